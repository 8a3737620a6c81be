/** A wallet of the wallet standard, put into the page before the app begins. */
import type { Page } from "playwright-core";

/** How the wallet answers. */
export type Answer = "sign" | "reject";

/** Registers a wallet with this account. `sign` gets and gives a transaction in base 64; a wallet that rejects never calls it. */
export async function addWallet(
  page: Page,
  account: string,
  sign: (transaction: string) => Promise<string>,
): Promise<void> {
  await page.exposeFunction("assayTestSign", sign);
  await page.addInitScript((key) => {
    const state = { answer: "sign" as Answer };
    Object.assign(window, { assayTestWallet: state });
    const holder = {
      address: key,
      publicKey: new Uint8Array(32),
      chains: ["solana:localnet"],
      features: ["solana:signTransaction"],
    };
    const wallet = {
      version: "1.0.0",
      name: "Test wallet",
      icon: "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=",
      chains: ["solana:localnet"],
      accounts: [],
      features: {
        "standard:connect": { version: "1.0.0", connect: async () => ({ accounts: [holder] }) },
        "solana:signTransaction": {
          version: "1.0.0",
          supportedTransactionVersions: [0],
          async signTransaction({ transaction }: { transaction: Uint8Array }) {
            if (state.answer === "reject") throw new Error("User rejected the request.");
            const text = btoa(String.fromCharCode(...transaction));
            const { assayTestSign } = window as unknown as { assayTestSign(transaction: string): Promise<string> };
            const signed = atob(await assayTestSign(text));
            return [{ signedTransaction: Uint8Array.from(signed, (letter) => letter.charCodeAt(0)) }];
          },
        },
      },
    };
    const register = ({ register: put }: { register(one: unknown): void }) => put(wallet);
    addEventListener("wallet-standard:app-ready", (event) => register((event as CustomEvent).detail));
    dispatchEvent(new CustomEvent("wallet-standard:register-wallet", { detail: register }));
  }, account);
}

/** Has the wallet answer so from now on. */
export async function answer(page: Page, how: Answer): Promise<void> {
  await page.evaluate((given) => {
    (window as unknown as { assayTestWallet: { answer: Answer } }).assayTestWallet.answer = given;
  }, how);
}

/** Connects the wallet through the app's own dialog, or waits until the app has connected the one that it remembers. */
export async function connectWallet(page: Page): Promise<void> {
  const remembered = await page.evaluate(() => localStorage.getItem("assay.account"));
  if (remembered !== null) return page.getByRole("button", { name: /…/ }).first().waitFor();
  await page.getByRole("button", { name: "Connect", exact: true }).first().click();
  await page.getByRole("button", { name: "Test wallet" }).click();
  await page.getByRole("button", { name: /…/ }).first().waitFor();
}
