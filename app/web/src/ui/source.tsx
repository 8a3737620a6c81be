/** From where a figure is. */
import { Database, Radio } from "lucide-react";
import { useIndex } from "../data/index-hooks.ts";
import { formatCount } from "../model/amounts.ts";

/** Who tells something: an index, the accounts of the chain, or the transactions that an endpoint still has. */
export type Source = "chain" | "index" | "transactions";

/** Says who tells what a panel shows. */
export function SourceTag({ source }: { source: Source }) {
  const index = useIndex();
  // Where there is no index, there is nothing to tell apart.
  if (index === undefined) return null;
  if (source === "index") {
    return (
      <span className="source" title={`From ${index.client.url}, as of slot ${formatCount(index.slot)}`}>
        <Database aria-hidden />
        from the index
      </span>
    );
  }
  const what = source === "chain" ? "accounts" : "transactions";
  return (
    <span className="source" title={`From the ${what} that the endpoint serves`}>
      <Radio aria-hidden />
      from {what}
    </span>
  );
}
