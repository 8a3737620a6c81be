/** What a client asks of the nodes: by stake, by reputation, by what they say of themselves, or one alone. */
import { useMemo } from "react";
import { useNetwork, useSlot, useTable } from "../../data/hooks.ts";
import { bitsOf, parseBits, toggleBit } from "../../model/bits.ts";
import { standing, tierOf } from "../../model/node-view.ts";
import type { Draft, Faults, Field } from "../../model/offer.ts";
import { Badge, Panel } from "../../ui/basics.tsx";
import { Chips, TextField } from "../../ui/field.tsx";
import { useStakeUnit, withSymbol } from "../../ui/unit.tsx";

/** The fields that choose nodes, beside what nodes offer now. */
export function WhoMayClaim({
  draft,
  faults,
  onChange,
}: {
  draft: Draft;
  faults: Faults;
  onChange: (change: Partial<Draft>) => void;
}) {
  const stake = useStakeUnit();
  const parameters = useNetwork()?.data.parameters;
  const nodes = useTable("node").rows;
  const offered = useMemo(() => {
    const [regions, capabilities, tiers] = [new Map<number, number>(), new Map<number, number>(), new Set<number>()];
    for (const { data } of nodes) {
      const { profile } = data;
      regions.set(profile.region, (regions.get(profile.region) ?? 0) + 1);
      for (const bit of bitsOf(profile.capabilities)) capabilities.set(bit, (capabilities.get(bit) ?? 0) + 1);
      tiers.add(tierOf(profile.unitsPerSlot));
    }
    return { regions, capabilities, highestTier: Math.max(0, ...tiers) };
  }, [nodes]);
  const field = (key: Field) => ({
    value: draft[key],
    onChange: (value: string) => onChange({ [key]: value }),
    error: faults[key],
  });
  return (
    <Panel
      title="Who may claim"
      foot="The program holds nodes to these. Regions, capabilities and speed are what nodes say of themselves; a speed that is not kept costs the node."
    >
      <div className="stack">
        <div className="form-grid">
          <TextField
            label="Invited node"
            {...field("invitedNode")}
            mono
            placeholder="every node"
            hint={<Invited address={draft.invitedNode} />}
          />
          <TextField
            label="Least stake of the node"
            {...field("minimumStake")}
            unit={stake.symbol}
            inputMode="decimal"
            placeholder="the network's"
            hint={parameters === undefined ? "" : `The network asks for ${withSymbol(parameters.minimumStake, stake)}.`}
          />
          <TextField
            label="Least reputation"
            {...field("minimumScore")}
            unit="%"
            inputMode="decimal"
            placeholder="none"
            hint="Above nothing, it excludes newcomers."
          />
          <TextField
            label="Least hardware tier"
            {...field("minimumTier")}
            inputMode="numeric"
            placeholder="none"
            hint={`Each tier is twice as fast as the one below; the highest now is ${offered.highestTier}.`}
          />
        </div>
        <Numbers
          name="Regions"
          none="everywhere"
          field="regions"
          draft={draft}
          counts={offered.regions}
          onChange={onChange}
        />
        <Numbers
          name="Capabilities"
          none="none asked for"
          field="capabilities"
          draft={draft}
          counts={offered.capabilities}
          onChange={onChange}
        />
      </div>
    </Panel>
  );
}

/** Numbers that nodes have, to be chosen among; nothing where they have none. */
function Numbers({
  name,
  none,
  field,
  draft,
  counts,
  onChange,
}: {
  name: string;
  none: string;
  field: "regions" | "capabilities";
  draft: Draft;
  counts: ReadonlyMap<number, number>;
  onChange: (change: Partial<Draft>) => void;
}) {
  const chosen = new Set(bitsOf(parseBits(draft[field]) ?? 0n));
  const options = [...new Set([...counts.keys(), ...chosen])].sort((a, b) => a - b);
  if (options.length === 0) return null;
  return (
    <div className="field">
      <span>
        {name} <span className="small muted">{chosen.size === 0 ? none : ""}</span>
      </span>
      <Chips
        label={name}
        options={options.map((key) => ({ key, name: `${key}`, count: counts.get(key) ?? 0 }))}
        chosen={chosen}
        onToggle={(key) => onChange({ [field]: toggleBit(draft[field], key) })}
      />
    </div>
  );
}

/** How the node that is invited stands now. */
function Invited({ address }: { address: string }) {
  const nodes = useTable("node").byAddress;
  const network = useNetwork()?.data;
  const slot = useSlot();
  if (address.trim() === "") return "Only this node may claim, at your price.";
  const node = [...nodes.values()].find((row) => row.address === address.trim());
  if (node === undefined) return "No node that exists has this address.";
  const { name, tone, sentence } = standing(node.data, network, slot);
  return (
    <>
      <Badge tone={tone}>{name}</Badge> {sentence}
    </>
  );
}
