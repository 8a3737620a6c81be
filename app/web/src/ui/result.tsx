/** The result of a job: what it was committed to, and where it can be had. */
import type { Row } from "../data/kinds.ts";
import { hex, isZero } from "../model/keys.ts";
import { HashText } from "./address.tsx";
import { Fact, Facts, Panel } from "./basics.tsx";

/** The commitment and the result that it binds. */
export function ResultPanel({ row: { data } }: { row: Row<"job"> }) {
  return (
    <Panel title="Result">
      <Facts>
        <Fact name="Commitment">
          <HashText value={hex(data.commitment)} what="commitment" />
        </Fact>
        <Fact name="Root of the output">
          <HashText value={hex(data.outputRoot)} what="root of the output" />
        </Fact>
        <Fact name="List of its parts">
          {isZero(data.resultManifest) ? (
            <span className="faint">only from its node</span>
          ) : (
            <HashText value={hex(data.resultManifest)} what="hash of the list" />
          )}
        </Fact>
      </Facts>
    </Panel>
  );
}
