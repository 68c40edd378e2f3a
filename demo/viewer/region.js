// ---- Region ------------------------------------------------------------------------------------
// A rectangle of whole input pixels, so that every pane shows the same and the small input too.

const drawing = { isOn: false, from: null };
let regionTimer = 0;

// Without a region yet, one in the middle of what is seen: from there the keyboard takes it on.
function startRegion() {
  if (drawing.isOn) { stopDrawing(); return; }
  drawing.isOn = true;
  reflectRegion();
  if (view.region) return;
  const from = sceneAt({ x: stage.width * 0.3, y: stage.height * 0.3 });
  drawRegion(from, sceneAt({ x: stage.width * 0.7, y: stage.height * 0.7 }));
  sendRegion();
}

function stopDrawing() {
  Object.assign(drawing, { isOn: false, from: null });
  reflectRegion();
}

function drawRegion(from, to) {
  const { step } = scene;
  const down = value => Math.floor(value / step) * step, up = value => Math.ceil(value / step) * step;
  const side = (a, b, size) => {
    const start = clamp(down(Math.min(a, b)), 0, size - step);
    return [start, clamp(up(Math.max(a, b)), start + step, size) - start];
  };
  const [x, width] = side(from.x, to.x, scene.width), [y, height] = side(from.y, to.y, scene.height);
  setRegion({ x, y, width, height });
}

// A click without a drag draws nothing.
function endDrawing(isDrawn) {
  stopDrawing();
  if (isDrawn) sendRegion();
}

function nudgeRegion(dx, dy, isSize) {
  const by = scene.step * Math.max(1, Math.round(8 / (currentScale() * scene.step)));
  let { x, y, width, height } = view.region;
  if (isSize) {
    width = clamp(width + dx * by, scene.step, scene.width - x);
    height = clamp(height + dy * by, scene.step, scene.height - y);
  } else {
    x = clamp(x + dx * by, 0, scene.width - width);
    y = clamp(y + dy * by, 0, scene.height - height);
  }
  setRegion({ x, y, width, height });
  announce('Region ' + regionText());
  sendRegion();
}

function clearRegion() {
  stopDrawing();
  setRegion(null);
  keepFocus();
  sendRegion();
}

const regionText = () => {
  const { x, y, width, height } = view.region;
  return width + ' × ' + height + ' at ' + x + ', ' + y;
};

function setRegion(region) {
  view.region = region;
  reflectRegion();
  redraw();
}

function reflectRegion() {
  find('[data-do=region]').setAttribute('aria-pressed', drawing.isOn);
  root.toggleAttribute('data-drawing', drawing.isOn);
  root.toggleAttribute('data-region', Boolean(view.region));
  setText(find('.region-text'), view.region ? regionText() : '');
}

// Scored by the server, once the hand rests.
function sendRegion() {
  clearTimeout(regionTimer);
  regionTimer = setTimeout(() => trigger('region', { id: root.dataset.id, region: view.region }), 300);
}

function placeRegion(scale, left, top) {
  if (!view.region) return;
  const { x, y, width, height } = view.region;
  const box = { x: left + x * scale, y: top + y * scale, width: width * scale, height: height * scale };
  for (const [name, value] of Object.entries(box)) {
    root.style.setProperty('--region-' + name, value / stage.ratio + 'px');
  }
}
