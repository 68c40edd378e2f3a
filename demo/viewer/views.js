// ---- Views -------------------------------------------------------------------------------------

const handle = find('.handle'), selects = [...root.querySelectorAll('[data-side]')];
const SIDES = { slider: ['Left', 'Right'], difference: ['Picture', 'minus'] };

function show(mode) {
  const isWhole = currentScale() === fitScale();
  view.mode = mode;
  if (isWhole) view.zoom = FIT;           // the stage has another size now, the whole stays the whole
  reflectView();
  layout();
  keepFocus();
  announce(find('[data-view=' + mode + ']').textContent);
}

// When what had the focus is hidden the keyboard goes on from the viewer, not from the page's top.
function keepFocus() {
  const focused = document.activeElement;
  if (root.contains(focused) && !focused.getClientRects().length) root.focus();
}

// Chooses the picture on one side, or the one that flicker shows; from the panes it opens flicker.
function pick(key, side = 0) {
  if (view.mode in view.pair) view.pair[view.mode][side] = key;
  else view.shown = key;
  if (!isAlone()) { show('flicker'); return; }
  reflectView();
  redraw();
  announce(panes.get(key).data.name);
}

function next() {
  const keys = [...panes.keys()];
  pick(keys[(keys.indexOf(view.shown) + 1) % keys.length]);
}

// The pictures to choose from: a choice that is no longer there gives way to the last that is.
function offer(list) {
  if (!list.length) return;
  const keys = list.map(({ key }) => key), present = key => keys.includes(key) ? key : keys.at(-1);
  const names = list.map(({ name }) => name);
  view.shown = present(view.shown);
  for (const pair of Object.values(view.pair)) {
    const isLost = !pair.every(key => keys.includes(key));
    pair.forEach((key, side) => { pair[side] = present(key); });
    if (isLost && pair[0] === pair[1]) pair[0] = keys.at(-2) ?? pair[0]; // a picture beside itself tells nothing
  }
  const nodes = [...find('.shown').children, ...selects.flatMap(select => [...select.options])];
  const wanted = [names, names, names].flat();
  if (wanted.length !== nodes.length || nodes.some((node, i) => node.textContent !== wanted[i])) {
    find('.shown').replaceChildren(...list.map(({ key, name }) => {
      const button = Object.assign(document.createElement('button'), { type: 'button', textContent: name });
      button.dataset.pick = key;
      return button;
    }));
    for (const select of selects) select.replaceChildren(...list.map(p => new Option(p.name, p.key)));
  }
  reflectView();
}

// What the tools say about the view.
function reflectView() {
  root.dataset.mode = view.mode;
  const press = (selector, isOn) => {
    for (const button of root.querySelectorAll(selector)) button.setAttribute('aria-pressed', isOn(button.dataset));
  };
  press('[data-view]', data => data.view === view.mode);
  press('[data-pick]', data => data.pick === view.shown);
  const pair = view.pair[view.mode];
  if (pair) selects.forEach((select, side) => {
    select.value = pair[side];
    setText(select.previousElementSibling, SIDES[view.mode][side]);
  });
  find('[data-gain]').value = view.gain;
  const share = Math.round(100 * view.split);
  handle.setAttribute('aria-valuenow', share);
  handle.setAttribute('aria-valuetext', share + '% left picture');
  captionSingle();
}

function captionSingle() {
  if (!isAlone()) return;
  const keys = view.pair[view.mode] ?? [view.shown], list = keys.map(key => panes.get(key)?.data);
  if (list.includes(undefined)) return;
  const names = list.map(data => data.name), isDifference = view.mode === 'difference';
  const texts = isDifference ? ['|' + names.join(' − ') + '|'] : names;
  find('.single .captions').replaceChildren(...texts.map((text, i) => {
    const node = document.createElement('p'), strong = document.createElement('strong');
    strong.textContent = text;
    node.append(strong, ' ', isDifference ? 'largest difference of the three channels' : list[i].caption);
    return node;
  }));
  setText(find('.scale .most'), Math.floor(255 / view.gain) + (view.gain > 1 ? ' or more' : '') + ' levels');
  const what = { slider: names.join(' left, ') + ' right', flicker: names[0], difference: 'Difference of ' + names.join(' and ') };
  single.canvas.setAttribute('aria-label', [what[view.mode], view.mode === 'flicker' && list[0].caption].filter(Boolean).join(', '));
}

for (const select of selects) {
  select.addEventListener('change', () => pick(select.value, Number(select.dataset.side)));
}
find('[data-gain]').addEventListener('change', event => {
  view.gain = Number(event.target.value);
  reflectView();
  redraw();
});

function splitAt(share) {
  view.split = clamp(share, 0, 1);
  reflectView();
  redraw();
}

let splitBefore = 0;                      // where a finger that turns out to scroll has found it

handle.addEventListener('pointerdown', event => {
  splitBefore = view.split;
  handle.setPointerCapture(event.pointerId);
  handle.focus();
  event.preventDefault();
});
handle.addEventListener('pointermove', event => {
  if (handle.hasPointerCapture(event.pointerId)) splitAt(place(event, single.canvas).x / stage.width);
});
handle.addEventListener('pointercancel', () => splitAt(splitBefore));
handle.addEventListener('keydown', event => {
  const by = event.shiftKey ? 0.1 : 0.01;
  const share = {
    ArrowLeft: view.split - by, ArrowDown: view.split - by, ArrowRight: view.split + by,
    ArrowUp: view.split + by, Home: 0, End: 1,
  }[event.key];
  if (share === undefined) return;
  splitAt(share);
  event.preventDefault();
  event.stopPropagation();                // arrows move the handle, not the picture
});

// ---- Full screen -------------------------------------------------------------------------------

find('[data-do=full]').hidden = !document.fullscreenEnabled;

function toggleFull() {
  if (isFull()) document.exitFullscreen();
  else root.requestFullscreen?.().catch(() => announce('Full screen is not allowed here'));
}

document.addEventListener('fullscreenchange', () => {
  find('[data-do=full]').setAttribute('aria-pressed', isFull());
  layout();
});
