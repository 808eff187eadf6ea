import { afterEach, expect, it, vi } from "vitest";
import { copiesText, isKernels } from "./clipboard";

afterEach(() => vi.unstubAllGlobals());

it("calls an address the kernel's in a frame of another machine alone", () => {
  expect(isKernels("http://gpu7:6006/#activations", true)).toBe(true);
  expect(isKernels("http://gpu7:6006/#activations", false)).toBe(false);
  for (const host of ["localhost", "127.0.0.1", "[::1]"]) {
    expect(isKernels(`http://${host}:6006/`, true)).toBe(false);
  }
});

/** A page that may, or may not, write to the clipboard. */
function page(allowed: boolean) {
  const writeText = vi.fn(async () => {});
  const execCommand = vi.fn(() => true);
  const field = { style: {}, select() {}, remove() {} };
  const featurePolicy = { allowsFeature: () => allowed };
  const body = { append() {} };
  vi.stubGlobal("document", { featurePolicy, execCommand, createElement: () => field, body });
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  return { writeText, execCommand };
}

it("does not ask a clipboard that the frame may not write to", async () => {
  const { writeText, execCommand } = page(false);
  expect(await copiesText("a link")).toBe(true);
  expect(writeText).not.toHaveBeenCalled();
  expect(execCommand).toHaveBeenCalledWith("copy");
});

it("asks the clipboard where it may", async () => {
  const { writeText, execCommand } = page(true);
  expect(await copiesText("a link")).toBe(true);
  expect(writeText).toHaveBeenCalledWith("a link");
  expect(execCommand).not.toHaveBeenCalled();
});
