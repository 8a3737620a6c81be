import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/browser/**/*.spec.ts"],
    // One browser at a time: the pages measure how fast they are.
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // Whatever is waited for comes in the end, on a busy machine a while later.
    expect: { poll: { timeout: 30_000 } },
  },
});
