import { describe, expect, it, vi } from "vitest";
import { connectAddress, formatHash, isElsewhere, parseHash } from "./address";

describe("the hash", () => {
  it("gives our keys and leaves the others alone", () => {
    const hash = "#activations&p.scalars.x=1&p.activations.run=a%2Fb";
    expect(parseHash(hash)).toEqual({ run: "a/b" });
    expect(formatHash(hash, { run: "c d" })).toBe(
      "#activations&p.scalars.x=1&p.activations.run=c%20d",
    );
  });

  it("survives a broken escape", () => {
    expect(parseHash("#activations&p.activations.run=%E0%A4%A")).toEqual({ run: "%E0%A4%A" });
  });
});

/** A page with a hash and a history. */
function page(hash: string) {
  const location = { hash, pathname: "/", search: "", origin: "http://tb" };
  const history = {
    state: { router: 1 },
    replaceState: vi.fn((_state: unknown, _title: string, url: string) => {
      location.hash = url.slice(url.indexOf("#"));
    }),
  };
  return { location, history } as unknown as Window & typeof globalThis;
}

describe("the address", () => {
  it("is written 300 ms after the last change, with the router's own state kept", () => {
    vi.useFakeTimers();
    const window = page("#activations");
    const address = connectAddress(window);
    address.write({ step: "1" });
    address.write({ step: "2" });
    vi.advanceTimersByTime(299);
    expect(window.history.replaceState).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(window.history.replaceState).toHaveBeenCalledTimes(1);
    expect(window.history.replaceState).toHaveBeenCalledWith(
      { router: 1 },
      "",
      "/#activations&p.activations.step=2",
    );
    vi.useRealTimers();
  });

  it("has a place of its own for another run or layer, none for what is only now decided", () => {
    const before = { run: "a", layer: "b", step: "1" };
    expect(isElsewhere({}, before)).toBe(false);
    expect(isElsewhere({ run: "a" }, before)).toBe(false);
    expect(isElsewhere(before, { ...before, step: "2" })).toBe(false);
    expect(isElsewhere(before, { ...before, layer: "c" })).toBe(true);
    expect(isElsewhere(before, { ...before, run: "c" })).toBe(true);
  });

  it("is not touched while another tab is open", () => {
    vi.useFakeTimers();
    const window = page("#scalars");
    connectAddress(window).write({ step: "1" });
    vi.advanceTimersByTime(400);
    expect(window.history.replaceState).not.toHaveBeenCalled();
    vi.useRealTimers();
  });

  it("lives in memory where the page is out of reach, and gives no link", () => {
    const far = {
      get location(): Location {
        throw new Error("cross-origin");
      },
    } as Window;
    const address = connectAddress(far);
    address.write({ step: "1" });
    expect(address.writable).toBe(false);
    expect(address.read()).toEqual({ step: "1" });
    expect(address.link({ step: "1" })).toBeNull();
  });
});
