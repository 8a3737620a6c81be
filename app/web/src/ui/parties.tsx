/** Who a job is between. */
import type { Address } from "@solana/kit";
import type { ReactNode } from "react";
import { isNobody } from "../model/keys.ts";
import { AddressText } from "./address.tsx";
import { Fact, Facts, Panel } from "./basics.tsx";

/** Client, node and session of an open or a closed job; `children` are further facts. */
export function Parties({
  address,
  job,
  children,
}: {
  address: Address;
  job: { client: Address; node: Address; session: Address };
  children: ReactNode;
}) {
  return (
    <Panel title="Parties">
      <Facts>
        <Fact name="Job">
          <AddressText value={address} what="address of the job" />
        </Fact>
        <Fact name="Client">
          <AddressText value={job.client} what="address of the client" />
        </Fact>
        {!isNobody(job.session) && (
          <Fact name="Session">
            <AddressText value={job.session} to={`/sessions/${job.session}`} what="address of the session" />
          </Fact>
        )}
        <Fact name="Node">
          <AddressText value={job.node} to={`/nodes/${job.node}`} what="address of the node" />
        </Fact>
        {children}
      </Facts>
    </Panel>
  );
}
