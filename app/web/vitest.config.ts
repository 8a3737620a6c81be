import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.{ts,tsx}", "tests/fixture/**/*.test.ts"],
    // Tests of components ask for a page of their own, with `@vitest-environment`.
    environment: "node",
    // Most of the time goes into reading modules, and no test changes one: files share them.
    isolate: false,
    testTimeout: 60_000,
    // Whatever is waited for comes in the end, on a busy machine a while later.
    expect: { poll: { timeout: 30_000 } },
  },
});
