// Ctrl+V anywhere on the page; Gradio's own button needs a permission that embedded pages lack.
document.addEventListener("paste", (event) => {
  const [file] = event.clipboardData.files;
  const input = document.querySelector("#photo input[type=file]");
  if (!file || !input) return;
  const data = new DataTransfer();
  data.items.add(file);
  input.files = data.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

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
