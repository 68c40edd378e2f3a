// Gradio takes the drop zone's pressed button away; the focus would go back to the page's top.
const photo = document.querySelector("#photo");
const isSeen = (node) => node.getClientRects().length > 0;
let isIn = false;
for (const type of ["focusin", "pointerdown"]) {
  document.addEventListener(type, (event) => {
    isIn = photo.contains(event.target);
  });
}
new MutationObserver(() => {
  const focused = document.activeElement;
  if (!isIn || (focused !== document.body && isSeen(focused))) return;
  const next = [...photo.querySelectorAll("[aria-dropeffect], .source-selection button")];
  next.find(isSeen)?.focus({ preventScroll: true });
}).observe(photo, { subtree: true, childList: true, attributeFilter: ["class"] });
