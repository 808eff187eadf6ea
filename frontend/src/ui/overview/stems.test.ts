import { describe, expect, it } from "vitest";
import { stemsOf } from "./stems";

/** Keras's own names of ResNet50, in model order. */
function resnet50(): string[] {
  const block = (stage: number, i: number) => {
    const parts = ["1_conv", "1_bn", "1_relu", "2_conv", "2_bn", "2_relu"];
    const first = i === 1 ? ["0_conv", "3_conv", "0_bn", "3_bn"] : ["3_conv", "3_bn"];
    return [...parts, ...first, "add", "out"].map((part) => `conv${stage}_block${i}_${part}`);
  };
  const stages = [3, 4, 6, 3].flatMap((blocks, s) =>
    Array.from({ length: blocks }, (_, i) => block(s + 2, i + 1)).flat(),
  );
  const head = ["conv1_pad", "conv1_conv", "conv1_bn", "conv1_relu", "pool1_pad", "pool1_pool"];
  return ["input_layer", ...head, ...stages, "avg_pool", "predictions"];
}

const stems = (names: string[]) => stemsOf(names).map(({ stem }) => stem);

describe("stemsOf", () => {
  it("makes a group of each block of a ResNet50, and of its head", () => {
    const names = resnet50();
    expect(names).toHaveLength(177);
    const found = stems(names);
    expect(found).toHaveLength(1 + 16);
    expect(found.slice(0, 3)).toEqual(["conv1_", "conv2_block1_", "conv2_block2_"]);
    expect(found.at(-1)).toBe("conv5_block3_");
  });

  it("covers the run it names, half open", () => {
    const names = ["stem", "layer1.0.conv", "layer1.0.bn", "layer1.1.conv", "head"];
    expect(stemsOf(names)).toEqual([{ stem: "layer1.", from: 1, to: 4 }]);
  });

  it("leaves numbered layers whole: a number is no name", () => {
    expect(stems(Array.from({ length: 60 }, (_, i) => `block_${i}`))).toEqual([]);
    expect(stems(["dense", "dense_1", "dense_2", "dense_3"])).toEqual([]);
  });

  it("groups neighbours only, so that model order stays", () => {
    expect(stems(["conv_a", "bn_a", "conv_b", "bn_b", "conv_c", "bn_c"])).toEqual([]);
  });

  it("takes the longest stem that all share, and needs three", () => {
    expect(stems(["net_top_a", "net_top_b", "net_top_c"])).toEqual(["net_top_"]);
    expect(stems(["pool1_pad", "pool1_pool"])).toEqual([]);
  });

  it("keeps a long run together where its parts make no groups", () => {
    const names = Array.from({ length: 20 }, (_, i) => `head_${String.fromCharCode(97 + i)}`);
    expect(stems(names)).toEqual(["head_"]);
  });
});
