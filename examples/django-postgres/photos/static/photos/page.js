// Shows each thumbnail as soon as it is ready, and makes large pictures smaller before they are sent.
// Without this file the page reloads itself.
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
const LONGEST_SIDE = 2000;
const input = document.querySelector("input[type=file]");
const album = document.getElementById("photos");
const news = document.getElementById("news");
let delay = FIRST_DELAY_MS;
let timer;

input.addEventListener("change", shrink);
document.addEventListener("visibilitychange", pollLater);
pollLater();

function pollLater() {
  clearTimeout(timer);
  if (waiting().length > 0 && !document.hidden) timer = setTimeout(poll, delay);
}

async function poll() {
  delay = Math.min(delay * 1.3, LONGEST_DELAY_MS);
  // Whoever cannot be reached is asked again.
  await Promise.allSettled(waiting().map(refresh));
  pollLater();
}

function waiting() {
  return [...album.querySelectorAll('[data-state="waiting"]')];
}

async function refresh(photo) {
  const response = await fetch(photo.dataset.url);
  if (response.status === 404) photo.remove();
  if (!response.ok) return;
  const template = document.createElement("template");
  template.innerHTML = (await response.text()).trim();
  const fresh = template.content.firstElementChild;
  if (fresh.dataset.state === "waiting") return;
  photo.replaceWith(fresh);
  news.textContent = `${fresh.querySelector("strong").textContent}: ${fresh.dataset.state}`;
}

async function shrink() {
  const [file] = input.files;
  if (!file || file.size <= Number(input.dataset.maxBytes)) return;
  const button = input.form.querySelector("button");
  button.disabled = true;
  try {
    const small = new DataTransfer();
    small.items.add(new File([await redraw(file)], "small.jpg"));
    input.files = small.files;
  } catch {
    // It is no picture, which the site says.
  }
  button.disabled = false;
}

async function redraw(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(picture.width * scale, picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
}
