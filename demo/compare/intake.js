// Photos come from anywhere: dropped on any place of the page, on every tab, or pasted. One goes the
// way of the drop zone; several, a folder, or anything that is refused go to the strip.
const isText = (node) =>
  node instanceof Element && Boolean(node.closest("textarea, [contenteditable], input")) &&
  !node.closest("input[type=file], input[type=range], input[type=radio], input[type=checkbox]");
const strip = () => document.querySelector("#strip .strip");
const field = () => document.querySelector("#photo input[type=file]");

// ---- What is dragged over the page ---------------------------------------------------------------

const overlay = document.createElement("div");
overlay.id = "overlay";
overlay.textContent = "Drop photos or folders anywhere";
overlay.hidden = true;
document.body.append(overlay);
let isOwn = false; // what is dragged began on this page

const hasFiles = (data) => data.types.includes("Files");
const hasPicture = (data) => hasFiles(data) || data.types.includes("text/uri-list");
const isTaken = (event) => !isOwn && hasPicture(event.dataTransfer);
// Text that is dragged into a text field goes there.
const isPlain = (event) => isText(event.target) && !hasFiles(event.dataTransfer);

addEventListener("dragstart", () => { isOwn = true; }, true);
addEventListener("dragend", () => { isOwn = false; }, true);

for (const type of /** @type {const} */ (["dragenter", "dragover"])) {
  addEventListener(type, (event) => {
    if (isPlain(event)) return;
    event.preventDefault(); // else the browser would open what is dropped
    overlay.hidden = !isTaken(event);
    if (!overlay.hidden) event.dataTransfer.dropEffect = "copy";
  }, true);
}
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) overlay.hidden = true; // out of the window
}, true);

addEventListener("drop", (event) => {
  if (isPlain(event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  overlay.hidden = true;
  if (!isOwn) collect(event.dataTransfer).then(hand);
  isOwn = false;
}, true);

// ---- What is pasted ------------------------------------------------------------------------------

addEventListener("paste", (event) => {
  const data = event.clipboardData;
  if (isText(event.target) || !data?.types.length) return;
  if (!hasFiles(data) && !/<img\s/i.test(data.getData("text/html"))) return;
  event.preventDefault();
  collect(data).then(hand);
}, true);

// ---- Files, folders, and pictures of other pages -------------------------------------------------

// Everything must be asked of the event before the first await: it is empty afterwards.
async function collect(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...data.files], link = data.getData("text/uri-list").split(/\r?\n/)[0];
  const source = link || sourceIn(data.getData("text/html"));
  const found = { files: [], refused: [] };
  if (entries.some((entry) => entry.isDirectory)) {
    for (const entry of entries) await walk(entry, "", found);
  } else {
    found.files = files.map((file) => ({ file, name: file.name || "pasted.png" }));
  }
  if (!files.length && !entries.length) await fromLink(source, found);
  return found;
}

const sourceIn = (html) =>
  new DOMParser().parseFromString(html, "text/html").querySelector("img[src]")?.getAttribute("src");

async function walk(entry, folder, found) {
  const name = folder + entry.name;
  if (entry.name.startsWith(".") || entry.name === "Thumbs.db") {
    found.refused.push({ name, reason: "hidden" });
    return;
  }
  try {
    if (entry.isFile) {
      const file = await new Promise((done, failed) => entry.file(done, failed));
      found.files.push({ file, name });
      return;
    }
    const reader = entry.createReader(), inside = [];
    for (let some = [null]; some.length;) { // a hundred at a time
      some = await new Promise((done, failed) => reader.readEntries(done, failed));
      inside.push(...some);
    }
    if (!inside.length) found.refused.push({ name, reason: "an empty folder" });
    inside.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    for (const each of inside) await walk(each, name + "/", found);
  } catch {
    found.refused.push({ name, reason: "it cannot be read" });
  }
}

async function fromLink(link, found) {
  if (!link) return;
  if (!link.startsWith("data:image/")) {
    const reason = "the browser gave a link alone, and links are not followed; save the picture first";
    found.refused.push({ name: link.length > 100 ? link.slice(0, 97) + "..." : link, reason });
    return;
  }
  const blob = await (await fetch(link)).blob();
  const file = new File([blob], "dragged." + blob.type.replace(/^image\/|\+.*$/g, ""), { type: blob.type });
  found.files.push({ file, name: file.name });
}

// ---- Where it goes -------------------------------------------------------------------------------

function hand({ files, refused }) {
  if (!files.length && !refused.length) return;
  const tab = document.querySelector("[role=tab]"); // "Compare" is the first
  if (tab?.getAttribute("aria-selected") !== "true") tab?.click();
  if (files.length === 1 && !refused.length) {
    next = files[0].file;
    give();
  } else {
    strip()?.dispatchEvent(new CustomEvent("give", { detail: { files, refused } }));
  }
  requestAnimationFrame(showResults);
}

// The drop zone is away while it sends a photo: the last one that was dropped meanwhile waits for it.
let next = null;

function give() {
  if (!next || !field()) return;
  const data = new DataTransfer();
  data.items.add(next);
  next = null;
  field().files = data.files;
  field().dispatchEvent(new Event("change", { bubbles: true }));
}

new MutationObserver(give).observe(document.querySelector("#photo"), { subtree: true, childList: true });

// All that is compared is then seen at once; on a phone, where it cannot be, the page stays.
function showResults() {
  const column = document.querySelector("#comparer").parentElement.getBoundingClientRect();
  if (innerWidth > 640) scrollBy({ top: column.top, behavior: "instant" });
}

// The dialog lets several be chosen, which the drop zone itself would not take.
addEventListener("click", (event) => {
  if (event.target === field()) field().multiple = true;
}, true);
addEventListener("change", (event) => {
  const { target } = event;
  if (target !== field() || !(field().files.length > 1)) return;
  event.stopImmediatePropagation();
  hand({ files: [...field().files].map((file) => ({ file, name: file.name })), refused: [] });
  field().value = "";
}, true);
