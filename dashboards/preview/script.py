"""The one script of a preview's pages: what is under the pointer, and the filter of the pages' names."""

from __future__ import annotations

SCRIPT = """
for (const chart of document.querySelectorAll(".chart")) {
  const hover = JSON.parse(chart.dataset.hover);
  const plot = chart.querySelector(".plot"), guide = chart.querySelector(".guide");
  const tip = chart.querySelector(".tip");
  const hide = () => { tip.hidden = true; guide.style.display = "none"; };
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect(), whole = chart.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    const i = Math.min(Math.max(Math.floor(share * hover.count), 0), hover.count - 1);
    const at = new Date(hover.first_ms + i * hover.step_ms).toISOString();
    tip.replaceChildren(at.slice(0, 10) + " " + at.slice(11, 19) + " UTC");
    for (const [label, colour, values] of hover.series) {
      const row = document.createElement("div"), sample = document.createElement("i");
      sample.style.background = colour;
      row.append(sample, label + ": " + (values[i] || "no data"));
      tip.append(row);
    }
    tip.hidden = false;
    guide.style.display = "block";
    guide.style.left = (100 * (i + 0.5) / hover.count) + "%";
    const left = box.left - whole.left + box.width * (i + 0.5) / hover.count;
    tip.style.left = left > whole.width / 2 ? "auto" : (left + 10) + "px";
    tip.style.right = left > whole.width / 2 ? (whole.width - left + 10) + "px" : "auto";
  });
  plot.addEventListener("pointerleave", hide);
}
for (const field of document.querySelectorAll("nav input")) {
  field.hidden = false;
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const item of document.querySelectorAll("nav li")) {
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
    }
  });
}
const here = document.querySelector("nav a[aria-current]"), list = document.querySelector("nav");
if (here && here.offsetTop > list.clientHeight) list.scrollTop = here.offsetTop - list.clientHeight / 2;
// What is printed is not folded.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => one.open = true));
"""
