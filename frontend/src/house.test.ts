/**
 * The order of the rooms: `{data, host} < render < state < {loading, ui} < index`. A file imports
 * only from rooms before its own or from its own, types included.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type ESTree, parseSync, Visitor } from "vite";
import { describe, expect, it } from "vitest";

/** What each room may import from, beside itself. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  data: [],
  host: [],
  render: ["data", "host"],
  state: ["data", "host", "render"],
  loading: ["data", "host", "render", "state"],
  ui: ["data", "host", "render", "state"],
  index: ["data", "host", "render", "state", "loading", "ui"],
};
const LONGEST_FILE = 350;
const LONGEST_CLASS = 200;

interface Source {
  /** Relative to `src`, as "render/strip.ts". */
  readonly path: string;
  readonly lines: number;
  /** Files it imports, relative to `src`, as the import says: without their ending. */
  readonly imports: readonly string[];
  readonly names: ReadonlySet<string>;
  /** What it gives to others, and what it takes of them, as "render/strip entryOf". */
  readonly exports: readonly string[];
  readonly takes: readonly string[];
  readonly classes: readonly { readonly name: string; readonly lines: number }[];
}

const ROOT = import.meta.dirname;

const linesOf = (text: string) => text.trimEnd().split("\n").length;
const isTest = (path: string) => /\.test\.tsx?$/.test(path);
const stem = (path: string) => path.replace(/\.tsx?$/, "");

/** What a module imports, exports, names and declares; dynamic imports and those of types included. */
function read(path: string): Source {
  const text = readFileSync(join(ROOT, path), "utf8");
  const requests: string[] = [];
  const names = new Set<string>();
  const classes: { name: string; lines: number }[] = [];
  const exports: string[] = [];
  const takes: string[] = [];
  const ask = (source: { value?: unknown } | null) => {
    if (typeof source?.value === "string") requests.push(source.value);
  };
  const target = (request: string) =>
    relative(ROOT, join(ROOT, dirname(path), request.replace(/\?.*$/, "")));
  if (/\.tsx?$/.test(path)) {
    new Visitor({
      ImportDeclaration: (node) => {
        ask(node.source);
        for (const one of node.specifiers) {
          const name = one.type === "ImportSpecifier" && nameOf(one.imported);
          if (name) takes.push(`${target(node.source.value)} ${name}`);
        }
      },
      ExportNamedDeclaration: (node) => {
        ask(node.source);
        exports.push(...node.specifiers.map((one) => nameOf(one.exported)));
        exports.push(...declared(node.declaration));
      },
      ExportAllDeclaration: (node) => ask(node.source),
      ImportExpression: (node) => ask(node.source as { value?: unknown }),
      TSImportType: (node) => ask(node.source),
      Identifier: (node) => void names.add(node.name),
      ClassDeclaration: ({ id, start, end }) =>
        void classes.push({ name: id?.name ?? "", lines: linesOf(text.slice(start, end)) }),
    }).visit(parseSync(path, text).program);
  }
  const imports = requests.filter((request) => request.startsWith(".")).map(target);
  return { path, lines: linesOf(text), imports, names, classes, exports, takes };
}

function nameOf(node: ESTree.ModuleExportName): string {
  return node.type === "Literal" ? node.value : node.name;
}

/** The names that a declaration gives. */
function declared(node: ESTree.Declaration | null): readonly string[] {
  if (!node) return [];
  const ids =
    node.type === "VariableDeclaration"
      ? node.declarations.map((one) => one.id)
      : ["id" in node ? node.id : null];
  return ids.flatMap((id) => (id?.type === "Identifier" ? [id.name] : []));
}

const sources = readdirSync(ROOT, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.(tsx?|css)$/.test(path))
  .sort()
  .map(read);
const modules = sources.filter(({ path }) => /\.tsx?$/.test(path) && !isTest(path));

/** The folder it lies in; of a file beside the folders its own name. */
function roomOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : stem(path);
}

describe("the house", () => {
  it("has no other rooms", () => {
    const rooms = new Set(modules.map(({ path }) => roomOf(path)));
    expect([...rooms].filter((room) => !(room in ROOMS))).toEqual([]);
  });

  it("imports only from rooms before its own", () => {
    const found = modules.flatMap(({ path, imports }) => {
      const room = roomOf(path);
      const allowed = [room, ...(ROOMS[room] ?? [])];
      return imports
        .filter((target) => !allowed.includes(roomOf(target)))
        .map((target) => `${path} imports ${target}; ${room} may import ${allowed.join(", ")}`);
    });
    expect(found).toEqual([]);
  });

  it("has no circle, types included", () => {
    const next = new Map(modules.map(({ path, imports }) => [stem(path), imports]));
    const path = new Map(modules.map((module) => [stem(module.path), module.path]));
    const done = new Set<string>();
    const found: string[] = [];
    /** As it reads from its first file by name, wherever it was entered. */
    const said = (circle: readonly string[]) => {
      const from = circle.indexOf(circle.toSorted()[0]!);
      const turned = [...circle.slice(from), ...circle.slice(0, from), circle[from]!];
      return turned.map((one) => path.get(one)).join(" → ");
    };
    const walk = (at: string, way: readonly string[]): void => {
      const back = way.indexOf(at);
      if (back >= 0) found.push(said(way.slice(back)));
      if (back >= 0 || done.has(at)) return;
      for (const to of next.get(at) ?? []) walk(to, [...way, at]);
      done.add(at);
    };
    for (const at of next.keys()) walk(at, []);
    expect(found).toEqual([]);
  });

  it("imports only what is there, no test, and no name that differs in case alone", () => {
    const known = new Set(sources.flatMap(({ path }) => [path, stem(path)]));
    const missing = sources.flatMap(({ path, imports }) =>
      imports
        .filter((target) => !known.has(target) || /\.test$/.test(target))
        .map((target) => `${path} imports ${target}, which is no module here`),
    );
    const said = modules.flatMap(({ path }, i) =>
      modules
        .slice(i + 1)
        .filter((other) => stem(other.path).toLowerCase() === stem(path).toLowerCase())
        .map((other) => `${path} and ${other.path} differ in case or ending alone`),
    );
    expect([...missing, ...said]).toEqual([]);
  });

  it("gives to others only what they take", () => {
    const taken = new Set(sources.flatMap(({ takes }) => takes));
    const found = modules
      .filter(({ path }) => roomOf(path) !== "index")
      .flatMap(({ path, exports }) => exports.map((name) => [path, name] as const))
      .filter(([path, name]) => !taken.has(`${stem(path)} ${name}`))
      .map(([path, name]) => `${path} exports ${name}, which no other file imports`);
    expect(found).toEqual([]);
  });

  it("asks the server in data/client.ts alone", () => {
    const asking = ["fetch", "XMLHttpRequest", "EventSource", "WebSocket", "sendBeacon"];
    const found = modules
      .filter(({ path }) => path !== "data/client.ts")
      .flatMap(({ path, names }) => asking.filter((name) => names.has(name)).map((n) => [path, n]))
      .map(([path, name]) => `${path} names ${name}; only data/client.ts may ask the server`);
    expect(found).toEqual([]);
  });

  it("makes a client in index.tsx alone: what shows the page hands it in", () => {
    const found = modules
      .filter(({ path, names }) => path !== "data/client.ts" && names.has("createClient"))
      .filter(({ path }) => roomOf(path) !== "index")
      .map(({ path }) => `${path} names createClient; only index.tsx makes a client`);
    expect(found).toEqual([]);
  });

  it(`has no file over ${LONGEST_FILE} lines and no class over ${LONGEST_CLASS}`, () => {
    const found = [
      ...sources
        .filter(({ lines }) => lines > LONGEST_FILE)
        .map(({ path, lines }) => `${path} has ${lines} lines; at most ${LONGEST_FILE}`),
      ...sources.flatMap(({ path, classes }) =>
        classes
          .filter(({ lines }) => lines > LONGEST_CLASS)
          .map(({ name, lines }) => `class ${name} in ${path} has ${lines} lines`),
      ),
    ];
    expect(found).toEqual([]);
  });
});
