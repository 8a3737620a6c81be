/** Opening a session: model, node, price and balance, with every way in which it can end before anything is signed. */
import { clientAddress, type Network, type PaymentMint, sessionAddress } from "@assay/client";
import type { Address } from "@solana/kit";
import { MessagesSquare } from "lucide-react";
import { useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { useMarket, useNetwork, useTable } from "../data/hooks.ts";
import type { SessionModel } from "../data/work.ts";
import { formatBasisPoints, formatCount } from "../model/amounts.ts";
import { VAULT_BYTES } from "../model/offer.ts";
import {
  firstSessionDraft,
  readSessionOffer,
  requestsOf,
  SESSION_BYTES,
  type SessionDraft,
  type SessionOffer,
  sessionEndings,
} from "../model/session-offer.ts";
import { missingOf, useBalance } from "../transact/balance.ts";
import { BalanceFact } from "../transact/balance-fact.tsx";
import { useSigning } from "../transact/context.tsx";
import type { Plan } from "../transact/plan.ts";
import { openSession } from "../transact/plans/sessions.ts";
import { Review } from "../transact/review.tsx";
import { Button, ButtonLink, Fact, Facts, Note, Nothing, Panel } from "../ui/basics.tsx";
import { ChainCostFacts } from "../ui/chain-costs.tsx";
import { EndingRow } from "../ui/ending-row.tsx";
import { Loaded, PageHead } from "../ui/page.tsx";
import { Amount, StakeAmount, useStakeUnit, useUnit, withSymbol } from "../ui/unit.tsx";
import { ModelPanel } from "./session/model-panel.tsx";
import { NodePanel } from "./session/node-panel.tsx";
import { SessionTerms } from "./session/terms-panel.tsx";

/** What the fields are called in the form. */
const FIELD_NAMES: Readonly<Record<keyof SessionDraft, string>> = {
  node: "Node",
  price: "A request costs",
  balance: "Balance",
  acceptSlots: "To accept",
  sessionSlots: "To serve",
  windowSlots: "Window after the end",
  voucherKey: "Key that signs vouchers",
};

export default function OpenSession() {
  const network = useTable("network");
  return (
    <>
      <PageHead
        title="Open a session"
        back={{ to: "/sessions", name: "Sessions" }}
        lead="One node keeps your model warm and answers at once. You pay each request by a voucher; every answer carries a receipt that is as slashable as a job."
      />
      <Loaded table={network} what="network">
        <Form />
      </Loaded>
    </>
  );
}

function Form() {
  const network = useNetwork()?.data;
  const mint = useTable("paymentMint").rows.find(({ data }) => data.enabled)?.data;
  if (network === undefined) return null;
  if (mint === undefined) {
    return (
      <Nothing
        icon={MessagesSquare}
        title="No token is accepted for payments yet"
        actions={<ButtonLink to="/governance">Governance</ButtonLink>}
      >
        Governance has to allow a mint before sessions can be paid.
      </Nothing>
    );
  }
  return <Filled network={network} mint={mint} />;
}

function Filled({ network, mint: first }: { network: Network; mint: PaymentMint }) {
  const mints = useTable("paymentMint")
    .rows.map(({ data }) => data)
    .filter(({ enabled }) => enabled);
  const [search] = useSearchParams();
  const [model, setModel] = useState<SessionModel>();
  const [chosen, setMint] = useState<string>(first.mint);
  const [draft, setDraft] = useState<SessionDraft>(() => firstSessionDraft(network, search.get("node") ?? ""));
  const mint = mints.find((one) => one.mint === chosen) ?? first;
  const read = readSessionOffer(draft, network, mint);
  const set = (change: Partial<SessionDraft>) => setDraft({ ...draft, ...change });
  const faults = "faults" in read ? read.faults : {};
  return (
    <div className="grid-2">
      <div className="stack">
        <ModelPanel model={model} onModel={setModel} />
        <NodePanel draft={draft} fault={draft.node === "" ? undefined : faults.node} onChange={set} />
        <SessionTerms draft={draft} faults={faults} mint={mint} mints={mints} onMint={setMint} onChange={set} />
      </div>
      <div className="stack">
        {model === undefined || "faults" in read ? (
          <Panel title="What is missing">
            <ul className="plain">
              {model === undefined && <li>Choose the model.</li>}
              {Object.entries(faults).map(([field, sentence]) => (
                <li key={field}>
                  {FIELD_NAMES[field as keyof SessionDraft]}: {sentence}
                </li>
              ))}
            </ul>
          </Panel>
        ) : (
          <Sign model={model} offer={read.offer} mint={mint} />
        )}
      </div>
    </div>
  );
}

function Sign({ model, offer, mint }: { model: SessionModel; offer: SessionOffer; mint: PaymentMint }) {
  const { signer, choose } = useSigning();
  const market = useMarket();
  const parameters = useNetwork()?.data.parameters;
  const payment = useUnit(mint.mint);
  const stake = useStakeUnit();
  const balance = useBalance(signer?.address, mint);
  const [plan, setPlan] = useState<Plan>();
  const [opening, setOpening] = useState<Address>();
  const [, go] = useLocation();
  const missing = missingOf(balance, offer.balance);
  const accounts = [SESSION_BYTES + model.graphUri.length + model.paramsUri.length, VAULT_BYTES];
  const start = async () => {
    if (signer === undefined) return choose(true);
    // Jobs and sessions of a client share their numbers.
    const counter = market.table("client").byAddress.get(await clientAddress(signer.address));
    const sessionId = counter?.data.nextJobId ?? 0n;
    const write = {
      payment: (value: bigint) => withSymbol(value, payment),
      stake: (value: bigint) => withSymbol(value, stake),
    };
    setOpening(await sessionAddress(signer.address, sessionId));
    setPlan(openSession(model, offer, mint, sessionId, write));
  };
  return (
    <>
      <Panel title="Every way in which it can end">
        <div className="stack" style={{ gap: 0 }}>
          {sessionEndings(offer).map((ending) => (
            <EndingRow
              key={ending.key}
              ending={{ ...ending, charge: 0n }}
              mint={mint.mint}
              slotMs={market.pace.slotMs}
            />
          ))}
        </div>
      </Panel>
      <Panel title="What it costs">
        <Facts numbers>
          <Fact name={<strong>Into escrow</strong>}>
            <strong>
              <Amount value={offer.balance} mint={mint.mint} />
            </strong>
          </Fact>
          <Fact name="Pays for">{formatCount(requestsOf(offer))} requests</Fact>
          {parameters !== undefined && (
            <Fact name="Fee of the protocol">
              {formatBasisPoints(parameters.protocolFeeBps)} of what vouchers spend, paid by the node
            </Fact>
          )}
          <ChainCostFacts client={signer?.address} accounts={accounts} />
          <Fact name="Bond of the node">
            <StakeAmount value={offer.bond} />
          </Fact>
          <BalanceFact balance={balance} mint={mint.mint} />
        </Facts>
      </Panel>
      {missing > 0n && (
        <Note tone="warn" title="There are too few tokens for this balance.">
          {withSymbol(missing, payment)} are missing.
        </Note>
      )}
      <Button look="primary" onClick={() => void start()}>
        {signer === undefined ? "Connect to sign" : "Try it out, then sign"}
      </Button>
      {plan !== undefined && (
        <Review
          plan={plan}
          onClose={() => setPlan(undefined)}
          onDone={() => opening !== undefined && go(`/sessions/${opening}`)}
        />
      )}
    </>
  );
}
