import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Most of the time goes into reading modules, and no test changes one: files share them.
    isolate: false,
    testTimeout: 60_000,
  },
});
