// What the drop zone lacks. Gradio looks at names and types, which tell nothing: a JPEG may be called
// "scan.jpg_large". So it is told that every file is a picture; the server looks into it.
const PHOTO = '#photo', FULL = 507;

const isInside = event => event.target.closest?.(PHOTO);

function pictures(files) {
  const data = new DataTransfer();
  for (const file of files) {
    const type = file.type.startsWith('image/') ? file.type : 'image/x-unknown';
    data.items.add(new File([file], file.name, { type }));
  }
  return data;
}

const isNamed = files => [...files].every(file => file.type.startsWith('image/'));

document.addEventListener('change', event => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  if (isInside(event) && field.files && !isNamed(field.files)) field.files = pictures(field.files).files;
}, true);

// The dialog of a computer would hide such files; a phone offers its camera and gallery by it.
document.addEventListener('click', event => {
  const field = isInside(event)?.querySelector('input[type=file]');
  if (field && field === event.target && matchMedia('(pointer: fine)').matches) field.removeAttribute('accept');
}, true);

// A disk without room: said where everything else is said, and not as a number.
const { fetch } = window;
window.fetch = async (...request) => {
  const response = await fetch(...request);
  if (response.status !== FULL) return response;
  document.querySelector('#no-room').click();
  return new Response('[]');
};
