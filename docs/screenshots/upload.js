// Runs in the page of the second example.

/** Draws a landscape, and uploads it as a person would. */
globalThis.upload = (title, hue) => {
  draw(hue).toBlob((blob) => {
    const files = new DataTransfer();
    files.items.add(new File([blob], "landscape.jpg", { type: "image/jpeg" }));
    document.querySelector("input[type=file]").files = files.files;
    document.querySelector("input[name=title]").value = title;
    document.querySelector("main form").submit();
  }, "image/jpeg");
};

/** Sky, sun and four ridges, each hue's in places of their own. */
function draw(hue) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 960, height: 960 });
  const context = canvas.getContext("2d");
  const sky = context.createLinearGradient(0, 0, 0, 700);
  sky.addColorStop(0, `hsl(${hue + 190} 55% 45%)`);
  sky.addColorStop(1, `hsl(${hue} 75% 78%)`);
  context.fillStyle = sky;
  context.fillRect(0, 0, 960, 960);
  context.fillStyle = `hsl(${hue + 10} 90% 90%)`;
  context.beginPath();
  context.arc(200 + ((hue * 21) % 560), 330, 70, 0, 2 * Math.PI);
  context.fill();
  for (let ridge = 0; ridge < 4; ridge++) {
    context.fillStyle = `hsl(${hue + 200} ${25 + ridge * 5}% ${48 - ridge * 11}%)`;
    context.beginPath();
    context.moveTo(0, 960);
    for (let x = 0; x <= 960; x += 8) context.lineTo(x, heightOf(hue, ridge, x));
    context.lineTo(960, 960);
    context.fill();
  }
  return canvas;
}

function heightOf(hue, ridge, x) {
  const wave = (length, height) => height * Math.sin(x / length + hue * 1.7 + ridge * 2.3);
  return 470 + ridge * 115 + wave(150 - ridge * 15, 60) + wave(47, 18) + wave(19, 6);
}
