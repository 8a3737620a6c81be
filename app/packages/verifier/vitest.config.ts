import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Only what hangs takes as long: on a busy machine a verification takes a while.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
