/** Following the slot of a chain, which prices and deadlines are measured by. */
import type { GetSlotApi, SlotNotificationsApi } from "@solana/kit";
import type { Connections } from "./accounts.js";
import { type FollowOptions, follow } from "./follow.js";

/** Every slot from now on; some are passed over. Slots only ever rise. */
export async function* followSlots(
  { rpc, rpcSubscriptions }: Connections<GetSlotApi, SlotNotificationsApi>,
  options: FollowOptions = {},
): AsyncGenerator<bigint, void, undefined> {
  const changes = follow(
    {
      isSame: (one: bigint, other: bigint) => one === other,
      async subscribe(abortSignal) {
        const notifications = await rpcSubscriptions.slotNotifications().subscribe({ abortSignal });
        return observed(notifications);
      },
      async read(abortSignal) {
        const slot = await rpc.getSlot({ commitment: "processed" }).send({ abortSignal });
        return { slot, values: new Map([["slot" as const, slot]]) };
      },
    },
    options,
  );
  for await (const { value } of changes) {
    if (value !== null) yield value;
  }
}

async function* observed(notifications: AsyncIterable<{ readonly slot: bigint }>) {
  for await (const { slot } of notifications) yield { key: "slot" as const, slot, value: slot };
}
