// ---- Memory ------------------------------------------------------------------------------------
// A photo that was looked at before is shown as it was left: its zoom, place and region, kept in the
// browser for after a reload, too, and with them the view. Example photos begin anew; a link brings
// them back.

const STORE = 'srgan-views', REMEMBERED = 120; // photos

const empty = () => ({ places: {}, view: null });
let memory = stored() ?? empty();
let isFresh = true;                       // nothing was recalled since the page was loaded
let recalled = null;                      // id of what is on display, once it is shown as it was left
let memoryTimer = 0;

function stored() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE));
    return kept?.places ? kept : null;
  } catch { return null; }                // no storage here, or something else in it
}

function remember() {
  if (!props.value?.is_kept || props.value.id !== recalled) return;
  const { id } = props.value, { x, y, zoom, region, mode, pair, shown, split, gain, smooth } = view;
  delete memory.places[id];               // the last one comes last
  memory.places[id] = { x, y, zoom, region };
  for (const old of Object.keys(memory.places).slice(0, -REMEMBERED)) delete memory.places[old];
  memory.view = { mode, pair, shown, split, gain, smooth };
  isFresh = false;
  clearTimeout(memoryTimer);
  memoryTimer = setTimeout(keepMemory, 200);
}

function keepMemory() {
  clearTimeout(memoryTimer);
  if (isFresh) return;
  try { localStorage.setItem(STORE, JSON.stringify(memory)); } catch { /* then not after a reload */ }
}

// Called once the panes of another photo stand.
function recall() {
  recalled = root.dataset.id;
  if (!props.value?.is_kept) return;
  const place = memory.places[props.value.id];
  if (isFresh && place && memory.view) {
    const { smooth, ...rest } = memory.view;
    Object.assign(view, rest);
    if (smooth) toggle('smooth');
    reflectView();
  }
  isFresh = false;
  if (!place) return;
  const { region, ...rest } = place;
  Object.assign(view, rest);
  layout();
  if (region) { setRegion(region); sendRegion(); }
}

addEventListener('pagehide', keepMemory);
addEventListener('srgan-forget', () => { memory = empty(); isFresh = true; });
