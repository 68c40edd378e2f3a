// ---- Link --------------------------------------------------------------------------------------
// What a link restores: an example photo by name, and everything about the view.

let wanted = new URLSearchParams(location.search);

function copyLink() {
  const photo = props.value?.photo, canvas = isAlone() ? single.canvas : find('canvas');
  if (!photo) { say('A link can bring back the example photos only: yours is not kept.', canvas, 4000); return; }
  const link = new URL(location.origin + location.pathname), set = (k, v) => link.searchParams.set(k, v);
  set('photo', photo);
  set('view', view.mode);
  if (view.pair[view.mode]) set('pair', view.pair[view.mode].join(' '));
  if (view.mode === 'flicker') set('shown', view.shown);
  if (view.mode === 'slider') set('split', view.split.toFixed(3));
  if (view.mode === 'difference') set('gain', view.gain);
  if (view.zoom !== FIT) set('zoom', +view.zoom.toFixed(4));
  set('at', [view.x, view.y].map(v => +v.toFixed(2)).join(' '));
  if (view.smooth) set('smooth', 1);
  if (view.region) set('region', Object.values(view.region).join(' '));
  const text = link.href, done = () => say('Link copied', canvas, 1500);
  const failed = () => prompt('Copy this link:', text);
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, failed);
  else failed();
}

// Once, on the photo that the address names; nonsense in it is passed over.
function restore() {
  if (!wanted || wanted.get('photo') !== props.value?.photo) return;
  const get = name => wanted.get(name) ?? '', numbers = name => get(name).split(' ').map(parseFloat);
  const isKey = key => panes.has(key);
  if (['slider', 'flicker', 'difference'].includes(get('view'))) view.mode = get('view');
  const pair = get('pair').split(' ');
  if (view.pair[view.mode] && pair.length === 2 && pair.every(isKey)) view.pair[view.mode] = pair;
  if (isKey(get('shown'))) view.shown = get('shown');
  const [split] = numbers('split'), [gain] = numbers('gain'), [zoom] = numbers('zoom');
  if (split >= 0 && split <= 1) view.split = split;
  if ([1, 2, 4, 8, 16].includes(gain)) view.gain = gain;
  if (zoom > 0) view.zoom = Math.min(zoom, MOST);
  const [x, y] = numbers('at'), [left, top, width, height] = numbers('region');
  if (x >= 0 && y >= 0) Object.assign(view, { x, y });
  if (get('smooth')) toggle('smooth');
  wanted = null;
  reflectView();
  layout();
  if (width > 0 && height > 0 && left >= 0 && top >= 0) {
    drawRegion({ x: left, y: top }, { x: left + width, y: top + height });
    sendRegion();
  }
}
