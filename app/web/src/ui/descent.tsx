/** One tree of a dispute, drawn as far as it was opened. */
import type { Descent, Move } from "../model/dispute-view.ts";
import { Badge } from "./basics.tsx";
import { When } from "./job-bits.tsx";

const WIDTH = 560;
const LEVEL = 34;
/** Deeper trees are drawn without the levels between. */
const MOST_LEVELS = 8;

/** The way down a tree: what was opened is filled, what is demanded is ringed. */
export function DescentTree({ descent }: { descent: Descent }) {
  const { moves, depth, title } = descent;
  const open = moves.filter(({ state }) => state === "open").length;
  return (
    <div className="descent-tree">
      <div className="row" style={{ justifyContent: "space-between" }}>
        <h3>{title}</h3>
        {open > 0 ? <Badge tone="warn">Waits for an answer</Badge> : <Badge tone="good">Opened</Badge>}
      </div>
      {depth > 0 && <Drawing moves={moves} depth={depth} title={title} />}
      <ul className="small muted" style={{ marginTop: 8 }}>
        {moves.map((move) => (
          <li key={move.address}>
            {depth === 0 ? "The root itself" : `Place ${move.index} at height ${move.height}`}:{" "}
            {move.state === "open" ? "demanded " : "answered "}
            <When slot={move.state === "open" ? move.requestedSlot : move.answeredSlot} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Drawing({ moves, depth, title }: { moves: readonly Move[]; depth: number; title: string }) {
  const heights = levelsOf(moves, depth);
  const height = heights.length * LEVEL + 10;
  const y = (level: number) => 14 + heights.indexOf(level) * LEVEL;
  const x = (level: number, index: number) => (WIDTH * (index + 0.5)) / 2 ** Math.max(0, depth - level);
  const path = [...moves].sort((a, b) => b.height - a.height);
  const deepest = path.at(-1);
  return (
    <svg
      viewBox={`0 0 ${WIDTH} ${height}`}
      role="img"
      aria-label={`${title}: ${moves.length} of its places were demanded`}
    >
      {heights.slice(0, -1).map((level, position) => {
        const below = heights[position + 1] ?? 0;
        if (deepest === undefined) return null;
        const parent = ancestor(deepest, level);
        return [0, 1].map((side) => {
          const child = ancestor(deepest, below);
          const index = side === 0 ? child : child ^ 1;
          const onWay = side === 0 && below >= deepest.height;
          return (
            <line
              key={`${level}-${side}`}
              className={onWay ? "on" : ""}
              x1={x(level, parent)}
              y1={y(level)}
              x2={x(below, index)}
              y2={y(below)}
            />
          );
        });
      })}
      {deepest !== undefined &&
        heights.map((level) => {
          const index = ancestor(deepest, level);
          const move = moves.find((candidate) => candidate.height === level && candidate.index === index);
          return (
            <g key={level}>
              {level < depth && <circle cx={x(level, index ^ 1)} cy={y(level)} r={5} />}
              <circle className={move?.state ?? ""} cx={x(level, index)} cy={y(level)} r={move === undefined ? 5 : 7} />
            </g>
          );
        })}
    </svg>
  );
}

/** From the root down: all levels of a low tree, only those that matter of a high one. */
function levelsOf(moves: readonly Move[], depth: number): readonly number[] {
  if (depth <= MOST_LEVELS) return Array.from({ length: depth + 1 }, (_, level) => depth - level);
  const matter = new Set([depth, 0, ...moves.flatMap(({ height }) => [height])]);
  return [...matter].sort((a, b) => b - a);
}

/** Index of the place above `move` at a height, or of the first one below it. */
function ancestor(move: Move, height: number): number {
  return height >= move.height
    ? Math.floor(move.index / 2 ** (height - move.height))
    : move.index * 2 ** (move.height - height);
}
