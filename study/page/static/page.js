// What moves on the page beside what htmx swaps: curves that can be zoomed.
"use strict";

const colors = () => {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { ink: of("--ink"), line: of("--line"), series: [0, 1, 2, 3, 4, 5, 6].map((n) => of(`--s${n}`)) };
};

function drawn(plot, data) {
  const { ink, line, series } = colors();
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
  const lines = data.series.map((one) => ({
    label: one.label,
    stroke: series[one.color % series.length],
    width: 1.8,
    spanGaps: true,
    points: { show: data.x.length < 40, size: 4 },
  }));
  const options = {
    width: plot.clientWidth,
    height: Math.round(Math.min(360, Math.max(220, plot.clientWidth * 0.4))),
    scales: { x: { time: false } },
    axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 10000] }, { ...axis, size: 60 }],
    series: [{ label: "epoch" }, ...lines],
  };
  return new uPlot(options, [data.x, ...data.series.map((one) => one.values)], plot);
}

function keepDrawn(plot) {
  const feed = document.getElementById(plot.dataset.feed);
  const still = plot.querySelector(".still");
  let chart = null;
  let labels = "";
  const draw = (anew) => {
    const data = JSON.parse(feed.textContent);
    if (!data.x.length) return;
    const found = data.series.map((one) => one.label).join();
    if (chart && found === labels && !anew) {
      const zoomed = chart.scales.x.min > chart.data[0][0] || chart.scales.x.max < chart.data[0].at(-1);
      chart.setData([data.x, ...data.series.map((one) => one.values)], !zoomed);
      return;
    }
    if (chart) chart.destroy();
    if (still) still.hidden = true;
    labels = found;
    chart = drawn(plot, data);
  };
  draw(true);
  new MutationObserver(() => draw(false)).observe(feed, { childList: true, characterData: true, subtree: true });
  let width = plot.clientWidth;
  new ResizeObserver(() => {
    if (plot.clientWidth !== width) {
      width = plot.clientWidth;
      draw(true);
    }
  }).observe(plot);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(true));
}

document.querySelectorAll(".plot[data-feed]").forEach(keepDrawn);
