'use strict';
// The body of gr.HTML's js_on_load: Gradio supplies `element`, `props`, `trigger` and `watch`.

const root = element.querySelector('.set-table');
const find = selector => root.querySelector(selector);

let protocol = 'today';
const order = { column: 'name', isDown: false };

const tag = (name, text, attributes = {}) => {
  const node = document.createElement(name);
  node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};

// The columns of a protocol: a group for each measure, a column for each method.
function columns({ methods, measures }) {
  const shown = measures.filter(({ group }) => !group || group === protocol);
  return shown.flatMap(measure => methods.map((method, i) => (
    { id: measure.key + ' ' + method, measure, method, isStart: !i }
  )));
}

function update() {
  const data = props.value;
  root.hidden = !data?.rows?.length;
  if (root.hidden) return;
  find('.title').textContent = data.title;
  find('.note').textContent = data.note;
  for (const button of root.querySelectorAll('[data-protocol]')) {
    button.setAttribute('aria-pressed', button.dataset.protocol === protocol);
  }
  const figure = find('[data-file=figure]'), { regions } = data;
  figure.disabled = !regions;
  figure.textContent = 'Figure of ' + (regions === 1 ? 'the marked region' : regions ? regions + ' marked regions' : 'marked regions') + ' (PNG)';
  const list = columns(data);
  find('thead').replaceChildren(groups(list, data.methods.length), heads(list));
  const lines = [row(data.mean, list, 'mean')];
  if (data.published) lines.push(row(data.published, list, 'published'));
  find('tbody').replaceChildren(...lines, ...sorted(data.rows).map(each => row(each, list, '')));
}

function groups(list, size) {
  const line = document.createElement('tr');
  line.append(tag('td', ''));
  for (const { measure } of list.filter(column => column.isStart)) {
    line.append(tag('th', measure.title, { scope: 'colgroup', colspan: size, class: 'start' }));
  }
  return line;
}

function heads(list) {
  const line = document.createElement('tr');
  line.append(head('name', 'Photo', false));
  for (const { id, method, isStart } of list) line.append(head(id, method, isStart));
  return line;
}

function head(id, text, isStart) {
  const isOrder = order.column === id, sort = order.isDown ? 'descending' : 'ascending';
  const cell = tag('th', '', { scope: 'col', 'aria-sort': isOrder ? sort : 'none', class: isStart ? 'start' : '' });
  cell.append(tag('button', text, { type: 'button', 'data-sort': id }));
  return cell;
}

function row({ name, cells }, list, kind) {
  const line = tag('tr', '', { class: kind });
  line.append(tag('th', name, { scope: 'row', title: name }));
  for (const { id, isStart } of list) line.append(tag('td', cells[id] ?? '–', { class: isStart ? 'start' : '' }));
  return line;
}

const value = text => (text === '∞' ? Infinity : Number.parseFloat(text));

// Photos in their own order until a column is chosen; what has no value comes last.
function sorted(rows) {
  const { column, isDown } = order, sign = isDown ? -1 : 1;
  if (column === 'name' && !isDown) return rows;
  if (column === 'name') return [...rows].reverse();
  const at = each => value(each.cells[column]);
  return [...rows].sort((a, b) => {
    const [p, q] = [at(a), at(b)];
    if (Number.isNaN(p) || Number.isNaN(q)) return Number(Number.isNaN(p)) - Number(Number.isNaN(q));
    return p === q ? 0 : sign * (p < q ? -1 : 1);
  });
}

root.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button) return;
  const { sort, protocol: wanted, file } = button.dataset;
  if (file) trigger('save', { file });
  if (wanted) protocol = wanted;
  if (sort) Object.assign(order, { column: sort, isDown: order.column === sort ? !order.isDown : sort !== 'name' });
  if (!sort && !wanted) return;
  update();
  const again = sort ? '[data-sort="' + CSS.escape(sort) + '"]' : '[data-protocol=' + wanted + ']';
  find(again)?.focus();
});

watch('value', update);
update();
