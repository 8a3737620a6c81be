/** Amounts with the token that they are in. */
import type { Address } from "@solana/kit";
import { useMarket, useNetwork, useTable } from "../data/hooks.ts";
import { formatAmount, formatShort } from "../model/amounts.ts";
import { shortAddress } from "../model/keys.ts";
import type { RecordWriters } from "../model/record-words.ts";

/** How amounts of one mint are written. */
export interface Unit {
  readonly symbol: string;
  /** `undefined` until the mint is known. */
  readonly decimals: number | undefined;
}

/** Mints that everybody knows by name. All others go by the beginning of their address, which nobody can choose freely. */
const KNOWN_SYMBOLS: Readonly<Record<string, string>> = {
  EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v: "USDC",
  Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB: "USDT",
};

/** How amounts of `mint` are written. */
export function useUnit(mint: Address | undefined): Unit {
  const market = useMarket();
  const stakeMint = useNetwork()?.data.stakeMint;
  const record = useTable("paymentMint").rows.find(({ data }) => data.mint === mint)?.data;
  if (mint === undefined) return { symbol: "", decimals: undefined };
  return { symbol: symbolOf(mint, stakeMint), decimals: record?.decimals ?? market.decimals(mint) };
}

/** How stakes and bonds are written. */
export function useStakeUnit(): Unit {
  return useUnit(useNetwork()?.data.stakeMint);
}

/** An amount as text; base units while the mint is not known. */
export function writeAmount(value: bigint, unit: Unit, short = false): string {
  if (unit.decimals === undefined) return value.toLocaleString("en-GB");
  return short ? formatShort(value, unit.decimals) : formatAmount(value, unit.decimals, Math.min(unit.decimals, 6));
}

/** An amount in text with its token. */
export function withSymbol(value: bigint, unit: Unit): string {
  return `${writeAmount(value, unit)}\u00a0${unit.symbol}`;
}

/** An amount with its token. */
export function Amount({ value, mint, short }: { value: bigint; mint: Address | undefined; short?: boolean }) {
  const unit = useUnit(mint);
  const title =
    mint === undefined ? undefined : `${writeAmount(value, unit)} ${unit.symbol}, mint ${shortAddress(mint)}`;
  return (
    <span className="amount" title={title}>
      {writeAmount(value, unit, short)}
      <span className="unit">{unit.symbol}</span>
    </span>
  );
}

/** A stake or a bond. */
export function StakeAmount({ value, short }: { value: bigint; short?: boolean }) {
  return <Amount value={value} mint={useNetwork()?.data.stakeMint} {...(short === undefined ? {} : { short })} />;
}

/** How amounts of any mint are written in the sentences of records. */
export function useRecordWriters(): RecordWriters {
  const market = useMarket();
  const stakeMint = useNetwork()?.data.stakeMint;
  const records = useTable("paymentMint").rows;
  const amount = (value: bigint, mint: Address) => {
    const decimals = records.find(({ data }) => data.mint === mint)?.data.decimals ?? market.decimals(mint);
    return withSymbol(value, { symbol: symbolOf(mint, stakeMint), decimals });
  };
  return { amount, stake: (value) => (stakeMint === undefined ? `${value}` : amount(value, stakeMint)) };
}

/** A mint in a list to choose from: its symbol, and its whole address, which nobody can choose freely. */
export function mintName(mint: Address): string {
  const symbol = KNOWN_SYMBOLS[mint];
  return symbol === undefined ? mint : `${symbol}, ${mint}`;
}

function symbolOf(mint: Address, stakeMint: Address | undefined): string {
  return mint === stakeMint ? "STAKE" : (KNOWN_SYMBOLS[mint] ?? mint.slice(0, 4));
}
