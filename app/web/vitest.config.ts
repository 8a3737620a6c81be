import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}", "tests/fixture/**/*.test.ts"],
    // Tests of components ask for a page of their own, with `@vitest-environment`.
    environment: "node",
    testTimeout: 60_000,
  },
});
