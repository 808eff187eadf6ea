// What the walk reads off the page: waits until what was asked for is here, then answers all in one.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const text = (selector) => $(selector)?.innerText.trim() ?? "";

  // The pixels of a part of a canvas, one for each value of a plane (its middle).
  const pixels = (canvas, box, width, height) => {
    const scale = canvas.width / canvas.getBoundingClientRect().width;
    const [left, top] = [Math.round(box.left * scale), Math.round(box.top * scale)];
    const [w, h] = [Math.round(box.width * scale), Math.round(box.height * scale)];
    const { data } = canvas.getContext("2d").getImageData(left, top, w, h);
    const [sx, sy] = [w / width, h / height];
    const out = [];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = 4 * (Math.floor((y + 0.5) * sy) * w + Math.floor((x + 0.5) * sx));
        out.push(data[i], data[i + 1], data[i + 2]);
      }
    }
    return out;
  };

  const settled = (expected) => {
    const grid = $("[role=grid]");
    if (!grid || grid.getAttribute("aria-busy") !== "false" || $(".app[data-stale]")) return false;
    if (text(".layerbar h1") !== expected.layer || text(".when strong") !== expected.step) return false;
    if ($(".film .waiting") || $(".chart-empty")) return false;
    if (!text(".inputbox .facts").includes(" … ")) return false;
    if (text(".statistics").includes("…")) return false;
    if (expected.answer !== ($(".answer .share") !== null)) return false;
    if ($(".firing[aria-busy=true]")) return false;
    // Of attributions: their scores.
    if (expected.extra && !text(".statistics").includes(expected.extra)) return false;
    if ($(".row.compare") && text(".row.compare > span:last-child") === "") return false;
    return true;
  };

  const cellsInSight = () =>
    $$("[role=gridcell]").sort((a, b) => a.dataset.index - b.dataset.index);

  const boxIn = (cell, canvas) => {
    const [a, b] = [cell.getBoundingClientRect(), canvas.getBoundingClientRect()];
    return { left: a.left - b.left, top: a.top - b.top, width: a.width, height: a.height };
  };

  // The line as the share of ink at each pixel; a matrix at the corners of its cells, beside numbers.
  const course = (cell, { width, parts, lines }) => {
    const canvas = $("canvas", cell.parentElement);
    const name = cell.getAttribute("aria-label");
    const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    if (lines) {
      const ink = Array.from(image.data).filter((_, i) => i % 4 === 3);
      return { name, ink, size: [canvas.width, canvas.height] };
    }
    const sides = Array.from({ length: parts }, (_, part) =>
      Array.from({ length: width }, (_, x) => {
        const top = (part * canvas.height) / parts + 2;
        const i = 4 * (top * canvas.width + Math.floor((x * canvas.width) / width) + 2);
        return Array.from(image.data.slice(i, i + 3));
      }).flat());
    return { name, sides };
  };

  const tile = (cell, plane) => {
    const { width, height, parts, matrix, signal } = plane;
    if (signal) return course(cell, plane);
    const canvas = $("canvas.strip", cell.parentElement) ?? $("canvas", cell.parentElement);
    const box = boxIn(cell, canvas);
    const name = cell.getAttribute("aria-label");
    if (matrix) {
      const rows = width * parts + parts - 1;
      box.height = canvas.getBoundingClientRect().height;
      const all = pixels(canvas, box, 1, rows);
      const sides = Array.from({ length: parts }, (_, part) =>
        all.slice(3 * part * (width + 1), 3 * (part * (width + 1) + width)));
      return { name, sides };
    }
    box.height = canvas.getBoundingClientRect().height;
    box.width /= parts;
    const sides = Array.from({ length: parts }, (_, part) =>
      pixels(canvas, { ...box, left: box.left + part * box.width }, width, height));
    return { name, sides };
  };

  // Points into a tile at a pixel of its plane and reads the status line.
  const statusAt = async (cell, { width, height, parts, matrix, signal }, [fx, fy]) => {
    const [x, y] = [Math.floor(fx * width), Math.floor(fy * height)];
    const box = cell.getBoundingClientRect();
    const canvas = $("canvas.strip", cell.parentElement) ?? $("canvas", cell.parentElement);
    const high = matrix ? box.height : canvas.getBoundingClientRect().height;
    const rows = matrix ? width * parts + parts - 1 : height;
    const at = signal
      ? { clientX: box.left + ((x + 0.5) * box.width) / width, clientY: box.top + box.height / 2 }
      : matrix
      ? { clientX: box.left + box.width / 2, clientY: box.top + ((x + 0.5) * high) / rows }
      : {
          clientX: box.left + ((x + 0.5) * box.width) / parts / width,
          clientY: box.top + ((y + 0.5) * high) / height,
        };
    const grid = cell.closest("[role=grid]");
    cell.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, ...at }));
    await new Promise((done) => setTimeout(done));
    const status = text("[role=status]");
    grid.dispatchEvent(new PointerEvent("pointerleave"));
    return { x, y, text: status };
  };

  const film = () =>
    $$(".film button").map((button) => {
      const canvas = $("canvas", button);
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return {
        step: Number(button.getAttribute("aria-label").slice(5)),
        current: button.hasAttribute("aria-current"),
        width: canvas.width,
        height: canvas.height,
        pixels: Array.from(data).filter((_, i) => i % 4 < 3),
      };
    });

  const chart = () => ({
    caption: $$(".chart figcaption span").map((span) => span.innerText),
    points: $$(".chart circle").map((dot) => [Number(dot.getAttribute("cx")), Number(dot.getAttribute("cy"))]),
    offers: $(".chart .link") !== null,
    missing: $$(".chart .missing").map((mark) => Number(mark.getAttribute("x"))),
    width: Number($(".chart svg")?.getAttribute("width")),
  });

  const report = async (expected, sample) => {
    const cells = cellsInSight();
    const grid = $("[role=grid]");
    const matrix = grid.classList.contains("matrix");
    const signal = grid.classList.contains("signals");
    const lines = grid.classList.contains("lines");
    const parts = expected.parts;
    const plane = { ...expected.plane, parts, matrix, signal, lines };
    const chosen = [...new Set(sample.tiles.map((share) => cells[Math.floor(share * cells.length)]))];
    const picked = chosen.filter(Boolean);
    const found = {
      layer: text(".layerbar h1"),
      step: text(".when strong"),
      shape: text(".layerbar .muted"),
      run: $("[aria-label=Run]").value,
      example: $("[aria-label=Example]")?.value,
      input: text(".inputbox .facts"),
      said: $$("[role=alert], .trouble, .wrong").map((e) => e.innerText).filter(Boolean),
      compare: text(".row.compare > span:last-child"),
      stale: $$("button").some((b) => b.innerText === "Re-sort"),
      matrix,
      signal,
      lines,
      dark: document.documentElement.classList.contains("dark"),
      cells: cells.map((c) => [Number(c.dataset.index), c.getAttribute("aria-label")]),
      selected: cells.filter((c) => c.getAttribute("aria-selected") === "true").map((c) => c.getAttribute("aria-label")),
      total: grid.getAttribute("aria-rowcount"),
      tiles: expected.pixels ? picked.map((cell) => tile(cell, plane)) : [],
      heading: text(".inspector h2"),
      statistics: $$(".statistics button").map((row) => row.innerText.split("\n")),
      chart: chart(),
      film: film(),
      films: $$(".film").map((row) => [
        row.getAttribute("aria-label"),
        $$("button", row).map((button) => Number(button.getAttribute("aria-label").slice(5))),
      ]),
      bars: $$(".answer .share").map((row) => row.innerText),
      answer: text(".answer"),
      unfired: text(".firing .muted"),
      firing: $$(".firing button").map((b) => ({
        name: b.getAttribute("aria-label"),
        pressed: b.getAttribute("aria-pressed") === "true",
      })),
    };
    // All of it at one moment; pointing takes another.
    const status =
      picked.length && expected.pixels
        ? { name: picked[0].getAttribute("aria-label"), ...(await statusAt(picked[0], plane, sample.pixel)) }
        : null;
    return { ...found, status };
  };

  window.walkReport = async (expected, sample, patience = 60000) => {
    const end = performance.now() + patience;
    const painted = () => new Promise((done) => requestAnimationFrame(() => done()));
    await painted();
    while (!settled(expected) && performance.now() < end) await painted();
    return report(expected, sample);
  };

  // Moves as a person makes them: events on what is on the screen.
  const change = (element, value, type) => {
    element.value = value;
    element.dispatchEvent(new Event(type, { bubbles: true }));
  };
  const button = (name) =>
    $$("button").find((b) => (b.getAttribute("aria-label") ?? b.innerText.trim()) === name);
  window.walkMove = {
    // Chips may have left the layer out.
    layer: async (tag) => {
      $(".chips .link")?.click();
      await new Promise((done) => setTimeout(done));
      $(`[role=tree] [title="${tag}"] bdi`).click();
    },
    chip: (share) => {
      const chips = $$(".chips .button");
      const chip = chips[Math.floor(share * chips.length)];
      chip?.click();
      return chip?.innerText ?? "none";
    },
    select: (name, value) => change($(`select[aria-label="${name}"]`), value, "change"),
    slide: (name, value) => change($(`input[aria-label="${name}"]`), value, "input"),
    search: (value) => change($(`[aria-label="Channels to show"]`), value, "input"),
    press: (name) => button(name).click(),
    key: (key) => document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })),
    statistic: (at) => $$(".statistics button")[at].click(),
    type: async (step) => {
      $(".stepno").click();
      await new Promise((done) => setTimeout(done));
      const field = $(`[aria-label="Step to show"]`);
      field.value = step;
      field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    },
    copied: () => {
      const data = new DataTransfer();
      const init = { clipboardData: data, bubbles: true, cancelable: true };
      document.body.dispatchEvent(new ClipboardEvent("copy", init));
      return data.getData("text/plain");
    },
    theme: () => window.parent.document.body.classList.toggle("dark-mode"),
    log: async () => {
      if ($(".rarely[hidden]")) $(".values .more").click();
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      $$(".rarely .checkbox").find((box) => box.innerText.trim() === "Log scale").click();
    },
    lock: () => $(".values .checkbox input").click(),
    click: (share, [fx, fy]) => {
      const cells = cellsInSight();
      const cell = cells[Math.floor(share * cells.length)];
      if (!cell) return null;
      const box = cell.getBoundingClientRect();
      const at = { clientX: box.left + fx * box.width, clientY: box.top + fy * box.height };
      const name = cell.getAttribute("aria-label");
      cell.dispatchEvent(new MouseEvent("click", { bubbles: true, ...at }));
      return name;
    },
  };
})();
