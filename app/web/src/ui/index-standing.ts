/** How things stand with the index, as a sentence. */
import type { IndexStanding } from "../data/history-index/store.ts";
import { formatCount } from "../model/amounts.ts";

/** What a person has to know of the index at `url`. */
export function standingSentence(url: string, standing: IndexStanding): string {
  switch (standing.state) {
    case "connecting":
      return `The index at ${url} is being asked.`;
    case "live":
      return `The index at ${url} is up to date.`;
    case "behind":
      return standing.slots === 0n
        ? `The index at ${url} does not follow the chain at the moment: its histories may end too early. Lists show live accounts.`
        : `The index at ${url} is ${formatCount(standing.slots)} slots behind: its histories may end too early. Lists show live accounts.`;
    case "foreign":
      return `The index at ${url} is of another market than the endpoint: nothing of it is shown.`;
    case "away":
      return standing.isNoIndex
        ? `What answers at ${url} is no index that this app can read: ${standing.reason}`
        : `The index is away: ${standing.reason} Lists show live accounts, and histories what the endpoint still has.`;
  }
}
