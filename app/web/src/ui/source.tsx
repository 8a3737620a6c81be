/** From where a figure is. */
import { Database, Radio } from "lucide-react";
import { useIndex } from "../data/index-hooks.ts";
import { formatCount } from "../model/amounts.ts";

/** Says who tells what a panel shows: the index, or the accounts that the endpoint serves. */
export function SourceTag({ source }: { source: "chain" | "index" }) {
  const index = useIndex();
  // Where there is no index, there is nothing to tell apart.
  if (index === undefined) return null;
  return source === "index" ? (
    <span className="source" title={`From ${index.client.url}, as of slot ${formatCount(index.slot)}`}>
      <Database aria-hidden />
      from the index
    </span>
  ) : (
    <span className="source" title="From the accounts that the endpoint serves">
      <Radio aria-hidden />
      from accounts
    </span>
  );
}
