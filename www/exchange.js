/* Sends the request of the button that was pressed and shows request and answer. Without this script the page
   only lacks that box. */
"use strict";

const exchange = document.getElementById("exchange");
const answer = exchange.querySelector(".answer code");
const buttons = [...exchange.querySelectorAll("button")];
const CONTENT_SHOWN = 200;

function lines(fields) {
  return Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
}

/* Field names as they are usually written, since fetch lowers them. */
function spelled(name) {
  return name === "etag" ? "ETag" : name.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}

async function excerpt(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/text|json/.test(type)) {
    return (await response.arrayBuffer()).byteLength ? "(bytes that are not text)" : "";
  }
  const text = await response.text();
  return text.length > CONTENT_SHOWN ? text.slice(0, CONTENT_SHOWN).trimEnd() + " …" : text;
}

/* The fields that make the server answer only if the page is another one by now. */
async function ifChanged(path) {
  const response = await fetch(path, { method: "HEAD", cache: "no-store" });
  const tag = response.headers.get("ETag");
  return tag ? { "If-None-Match": tag } : {};
}

/* From the request's last byte to the answer's first, as the browser measured it. */
function duration(response) {
  const timing = performance.getEntriesByName(response.url).at(-1);
  return timing?.requestStart ? `   after ${(timing.responseStart - timing.requestStart).toFixed(1)} ms` : "";
}

async function ask(button) {
  const { path, method = "GET", again } = button.dataset;
  const fields = again === undefined ? JSON.parse(button.dataset.fields ?? "{}") : await ifChanged(path);
  const response = await fetch(path, { method, headers: fields, cache: "no-store" });
  const received = [...response.headers].map(([name, value]) => [spelled(name), value]);
  const content = await excerpt(response);
  return [
    `${method} ${new URL(path, location).pathname}`,
    ...lines(fields),
    "",
    `${response.status} ${response.statusText}${duration(response)}`,
    ...lines(Object.fromEntries(received)),
    "",
    content,
  ].join("\n");
}

async function show(button) {
  for (const each of buttons) {
    each.setAttribute("aria-pressed", String(each === button));
  }
  try {
    answer.textContent = await ask(button);
  } catch (error) {
    answer.textContent = `No answer: ${error.message}. Is vif still running?`;
  }
}

for (const button of buttons) {
  button.addEventListener("click", () => show(button));
}
exchange.hidden = false;
show(buttons[0]);
