/**
 * The part of the address that is ours: `&p.activations.key=value` in the hash of TensorBoard's page.
 *
 * Everything else in the hash is TensorBoard's and stays as it is. Where the page cannot be reached
 * (another origin), the state lives in memory and `writable` is false.
 */
const PREFIX = "p.activations.";
/** Browsers limit how often `replaceState` may be called. */
const WRITE_DELAY_MS = 300;

export type AddressKeys = Readonly<Record<string, string>>;

export interface Address {
  readonly writable: boolean;
  read(): AddressKeys;
  /**
   * Replaces all our keys, 300 ms after the last call. Another run or layer is a place of its own in the
   * browser's history, to which one comes back.
   */
  write(keys: AddressKeys): void;
  /** Calls back with the keys of the place that the browser went back or forward to. */
  onReturn(callback: (keys: AddressKeys) => void): void;
  /** The link that restores `keys`; null where the page's address is out of reach. */
  link(keys: AddressKeys): string | null;
}

/** Our keys out of a hash such as `#activations&p.activations.run=a`. */
export function parseHash(hash: string): AddressKeys {
  const keys: Record<string, string> = {};
  for (const part of hash.replace(/^#/, "").split("&")) {
    const equals = part.indexOf("=");
    if (!part.startsWith(PREFIX) || equals < 0) continue;
    keys[part.slice(PREFIX.length, equals)] = decode(part.slice(equals + 1));
  }
  return keys;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The hash with our keys replaced by `keys`. */
export function formatHash(hash: string, keys: AddressKeys): string {
  const others = hash
    .replace(/^#/, "")
    .split("&")
    .filter((part) => !part.startsWith(PREFIX));
  const ours = Object.entries(keys).map(
    ([key, value]) => `${PREFIX}${key}=${encodeURIComponent(value)}`,
  );
  return `#${[...others, ...ours].join("&")}`;
}

/** The hash is ours to write while it names our tab, or none yet. */
function showsOurTab(hash: string): boolean {
  const tab = hash.replace(/^#/, "").split("&")[0] ?? "";
  return tab === "activations";
}

/** Whether these are of another run or layer; what is only now decided is none. */
export function isElsewhere(before: AddressKeys, now: AddressKeys): boolean {
  return ["run", "layer"].some((key) => before[key] !== undefined && before[key] !== now[key]);
}

export function connectAddress(page: Window): Address {
  let memory: AddressKeys = {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const writable = canReach(page);
  const flush = () => {
    const { location, history } = page;
    if (!showsOurTab(location.hash)) return;
    const hash = formatHash(location.hash, memory);
    if (hash === location.hash) return;
    const method = isElsewhere(parseHash(location.hash), memory) ? "pushState" : "replaceState";
    history[method](history.state, "", location.pathname + location.search + hash);
  };
  return {
    writable,
    read: () => (writable ? parseHash(page.location.hash) : memory),
    write(keys) {
      memory = keys;
      if (!writable) return;
      clearTimeout(timer);
      timer = setTimeout(flush, WRITE_DELAY_MS);
    },
    onReturn(callback) {
      if (!writable) return;
      const gone = new AbortController();
      addEventListener("pagehide", () => gone.abort());
      const { signal } = gone;
      page.addEventListener(
        "popstate",
        () => {
          if (!showsOurTab(page.location.hash)) return;
          clearTimeout(timer);
          callback(parseHash(page.location.hash));
        },
        { signal },
      );
    },
    link(keys) {
      if (!writable) return null;
      const { origin, pathname, search, hash } = page.location;
      return (
        origin + pathname + search + formatHash(showsOurTab(hash) ? hash : "#activations", keys)
      );
    },
  };
}

function canReach(page: Window): boolean {
  try {
    return page.location.hash !== undefined;
  } catch {
    return false;
  }
}
