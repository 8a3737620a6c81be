/** The last step: what it costs, every way in which it can end, and the signature. */
import { associatedAccount, clientAddress, jobAddress, type PaymentMint } from "@assay/client";
import type { Address } from "@solana/kit";
import { useEffect, useMemo, useState } from "react";
import { useMarket, useNetwork, useSlot, useTable } from "../../data/hooks.ts";
import { formatAmount, formatBasisPoints } from "../../model/amounts.ts";
import { asIfOpen, eligibility, NO_JOB } from "../../model/eligibility.ts";
import { shortAddress } from "../../model/keys.ts";
import { accountBytes, type Offer, type Work } from "../../model/offer.ts";
import { type Ending, endings, escrow } from "../../model/refunds.ts";
import { formatSlots } from "../../model/time.ts";
import { useSigning } from "../../transact/context.tsx";
import type { Plan } from "../../transact/plan.ts";
import { postJob } from "../../transact/plans/post.ts";
import { Review } from "../../transact/review.tsx";
import { Button, Fact, Facts, Note, Panel } from "../../ui/basics.tsx";
import { SelectField } from "../../ui/field.tsx";
import { Amount, StakeAmount, useUnit, withSymbol } from "../../ui/unit.tsx";
import { templateJob } from "./template.ts";

/** Lamports that an account of so many bytes holds as long as it exists. */
const rentLamports = (bytes: number) => BigInt(128 + bytes) * 6_960n;

/** Explains, then has it signed. */
export function ReviewStep({
  work,
  offer,
  mint,
  onPosted,
}: {
  work: Work;
  offer: Offer;
  mint: PaymentMint;
  onPosted: (job: Address) => void;
}) {
  const { signer, choose } = useSigning();
  const market = useMarket();
  const unit = useUnit(mint.mint);
  const budgets = useTable("budget").rows.filter(
    ({ data }) =>
      data.paymentMint === mint.mint &&
      signer !== undefined &&
      (data.owner === signer.address || data.agent === signer.address),
  );
  const [payer, setPayer] = useState("own");
  const [plan, setPlan] = useState<Plan>();
  const [posting, setPosting] = useState<Address>();
  const client = payer === "own" ? signer?.address : (payer as Address);
  const balance = useBalance(client, mint);
  const whole = escrow(offer);
  const rent = accountBytes(work, offer).reduce((sum, bytes) => sum + rentLamports(bytes), 0n);
  const short = balance !== undefined && balance < whole;

  const start = async () => {
    if (client === undefined) return choose(true);
    const counter = market.table("client").byAddress.get(await clientAddress(client));
    const nextJobId = counter?.data.nextJobId ?? 0n;
    setPosting(await jobAddress(client, nextJobId));
    setPlan(
      postJob(work, offer, mint, { client, isBudget: payer !== "own", nextJobId }, (value) => withSymbol(value, unit)),
    );
  };
  return (
    <div className="grid-2">
      <div className="stack">
        <Panel title="Every way in which it can end">
          <div className="stack" style={{ gap: 0 }}>
            {endings(offer).map((ending) => (
              <EndingRow key={ending.key} ending={ending} mint={mint.mint} slotMs={market.pace.slotMs} />
            ))}
          </div>
        </Panel>
        <Candidates work={work} offer={offer} mint={mint} />
      </div>
      <div className="stack">
        <Panel title="What it costs">
          <Facts numbers>
            <Fact name="Price, at most">
              <Amount value={offer.priceMax} mint={mint.mint} />
            </Fact>
            {offer.auditPot > 0n && (
              <Fact name="Audit pot">
                <Amount value={offer.auditPot} mint={mint.mint} />
              </Fact>
            )}
            <Fact name={<strong>Into escrow</strong>}>
              <strong>
                <Amount value={whole} mint={mint.mint} />
              </strong>
            </Fact>
            <Fact name="Fee of the protocol">
              {formatBasisPoints(offer.protocolFeeBps)} of the price, paid by the node
            </Fact>
            <Fact name="Rent, returned at closing">{formatAmount(rent, 9, 5)} SOL</Fact>
            <Fact name="Bond of the node">
              <StakeAmount value={offer.bond} />
            </Fact>
            {balance !== undefined && (
              <Fact name="There is">
                <Amount value={balance} mint={mint.mint} />
              </Fact>
            )}
          </Facts>
        </Panel>
        {budgets.length > 0 && (
          <Panel title="Who pays">
            <SelectField
              label="Out of"
              value={payer}
              options={[
                ["own", "My own tokens"] as const,
                ...budgets.map(({ address }) => [address as string, `Budget ${shortAddress(address)}`] as const),
              ]}
              onChange={setPayer}
            />
          </Panel>
        )}
        {short && (
          <Note tone="warn" title="There are too few tokens for this escrow.">
            {withSymbol(whole - (balance ?? 0n), unit)} are missing.
          </Note>
        )}
        <Button look="primary" onClick={() => void start()}>
          {signer === undefined ? "Connect to sign" : "Try it out, then sign"}
        </Button>
      </div>
      {plan !== undefined && (
        <Review
          plan={plan}
          onClose={() => setPlan(undefined)}
          onDone={() => posting !== undefined && onPosted(posting)}
        />
      )}
    </div>
  );
}

function EndingRow({ ending, mint, slotMs }: { ending: Ending; mint: Address; slotMs: number }) {
  const [least, most] = ending.back;
  return (
    <div
      style={{
        display: "grid",
        gridTemplateColumns: "minmax(0, 1fr) auto",
        gap: 16,
        padding: "12px 0",
        borderBottom: "1px solid var(--line)",
      }}
    >
      <div>
        <h3>{ending.title}</h3>
        <p className="small muted">{ending.sentence}</p>
        <p className="small faint">
          Within {formatSlots(ending.slots, slotMs)} at most
          {ending.key === "settled" || ending.key === "convicted" ? ", and longer only if it is disputed" : ""}.
        </p>
      </div>
      <div style={{ textAlign: "right" }}>
        <div className="small muted">back to you</div>
        <Amount value={least} mint={mint} />
        {most !== least && (
          <>
            {" "}
            to
            <br />
            <Amount value={most} mint={mint} />
          </>
        )}
        {ending.charge > 0n && (
          <div className="small">
            and <StakeAmount value={ending.charge} />
          </div>
        )}
      </div>
    </div>
  );
}

function Candidates({ work, offer, mint }: { work: Work; offer: Offer; mint: PaymentMint }) {
  const nodes = useTable("node").rows;
  const network = useNetwork()?.data;
  const slot = useSlot();
  const now = slot - (slot % 50n);
  const found = useMemo(
    () =>
      network === undefined
        ? undefined
        : eligibility(
            asIfOpen({ address: NO_JOB, data: templateJob(work, offer, mint, network) }, now),
            nodes,
            network,
            now,
          ),
    [work, offer, mint, nodes, network, now],
  );
  if (found === undefined) return null;
  const count = found.eligible.length;
  if (count === 0) {
    return (
      <Note tone="warn" title="No node could claim this now.">
        {nodes.length === 0
          ? "No node is registered."
          : "Ask for less stake, offer a lower highest price so that the bond is smaller, or invite nobody."}
      </Note>
    );
  }
  return (
    <Note
      title={`${count.toLocaleString("en-GB")} of ${nodes.length.toLocaleString("en-GB")} nodes could claim it now.`}
    >
      Whether they do is up to their own least prices.
    </Note>
  );
}

/** Tokens of a key; `undefined` until they are known. */
function useBalance(owner: Address | undefined, mint: PaymentMint): bigint | undefined {
  const { rpc } = useSigning();
  const [balance, setBalance] = useState<bigint>();
  useEffect(() => {
    setBalance(undefined);
    if (owner === undefined) return;
    const controller = new AbortController();
    associatedAccount(owner, mint)
      .then((account) => rpc.getTokenAccountBalance(account).send({ abortSignal: controller.signal }))
      .then(
        ({ value }) => setBalance(BigInt(value.amount)),
        () => controller.signal.aborted || setBalance(0n),
      );
    return () => controller.abort();
  }, [owner, mint, rpc]);
  return balance;
}
