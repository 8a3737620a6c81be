/** Charts as plain SVG. Each says in words what it shows. */
import type { Bucket } from "../model/market.ts";

const WIDTH = 640;

/** How many results were committed over time. */
export function BarChart({
  buckets,
  label,
  spanText,
}: {
  buckets: readonly Bucket[];
  label: string;
  spanText: string;
}) {
  const height = 150;
  const most = Math.max(1, ...buckets.map((bucket) => bucket.committed + bucket.convicted));
  const step = (WIDTH - 30) / Math.max(1, buckets.length);
  const y = (count: number) => (count / most) * (height - 30);
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} ${height + 22}`} role="img" aria-label={label}>
      <line className="axis" x1={30} x2={WIDTH} y1={height} y2={height} />
      <line className="axis" x1={30} x2={WIDTH} y1={30} y2={30} strokeDasharray="2 4" />
      <text x={24} y={34} textAnchor="end">
        {most}
      </text>
      <text x={24} y={height + 4} textAnchor="end">
        0
      </text>
      {buckets.map((bucket, index) => {
        const x = 30 + index * step + 1;
        const width = Math.max(1, step - 3);
        const total = y(bucket.committed + bucket.convicted);
        return (
          <g key={bucket.firstSlot.toString()}>
            <rect className="bar" x={x} width={width} y={height - total} height={total} rx={2} />
            {bucket.convicted > 0 && (
              <rect x={x} width={width} y={height - total} height={y(bucket.convicted)} rx={2} fill="var(--bad)" />
            )}
          </g>
        );
      })}
      <text x={30} y={height + 18}>
        {spanText} ago
      </text>
      <text x={WIDTH} y={height + 18} textAnchor="end">
        now
      </text>
    </svg>
  );
}

/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The price of a job over its claim window, where the present is and where it was claimed. */
export function RampChart({
  curve,
  labels,
  now,
  claim,
  label,
}: {
  /** From 0 to 1 in both directions. */
  curve: readonly Point[];
  labels: { readonly start: string; readonly end: string };
  now: Point | undefined;
  claim: (Point & { readonly text: string }) | undefined;
  label: string;
}) {
  const [left, right, top, bottom] = [10, WIDTH - 10, 26, 150];
  const x = (value: number) => left + value * (right - left);
  const y = (value: number) => bottom - value * (bottom - top);
  const line = curve.map((point) => `${x(point.x)},${y(point.y)}`).join(" ");
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} 178`} role="img" aria-label={label}>
      <polygon className="area" points={`${x(0)},${bottom} ${line} ${x(1)},${bottom}`} />
      <line className="axis" x1={left} x2={right} y1={bottom} y2={bottom} />
      <polyline className="curve" points={line} />
      <text x={left} y={170}>
        {labels.start}
      </text>
      <text x={right} y={170} textAnchor="end">
        {labels.end}
      </text>
      {now !== undefined && (
        <g>
          <line className="mark" x1={x(now.x)} x2={x(now.x)} y1={top - 8} y2={bottom} />
          <circle className="point" cx={x(now.x)} cy={y(now.y)} r={5} />
        </g>
      )}
      {claim !== undefined && (
        <g>
          <line className="mark" x1={x(claim.x)} x2={x(claim.x)} y1={y(claim.y)} y2={bottom} />
          <circle cx={x(claim.x)} cy={y(claim.y)} r={5} fill="var(--good)" stroke="var(--surface)" strokeWidth={2} />
          <text
            x={x(claim.x) + (claim.x < 0.5 ? 12 : -12)}
            y={y(claim.y) + 18}
            textAnchor={claim.x < 0.5 ? "start" : "end"}
            style={{ fill: "var(--ink)", fontWeight: 560 }}
          >
            {claim.text}
          </text>
        </g>
      )}
    </svg>
  );
}

/** A value that stays until it changes, over time. */
export function StepChart({
  points,
  most,
  format,
  when,
  label,
}: {
  /** In the order of time. */
  points: readonly { readonly slot: bigint; readonly value: number }[];
  /** The top of the scale; the greatest value where there is none. */
  most?: number;
  format: (value: number) => string;
  when: (slot: bigint) => string;
  label: string;
}) {
  const [left, right, top, bottom] = [56, WIDTH - 10, 14, 150];
  const first = points[0]?.slot ?? 0n;
  const last = points.at(-1)?.slot ?? first;
  const length = Number(last - first) || 1;
  const height = most ?? Math.max(1, ...points.map(({ value }) => value));
  const x = (slot: bigint) => left + (Number(slot - first) / length) * (right - left);
  const y = (value: number) => bottom - (value / height) * (bottom - top);
  const corners = points.flatMap(({ slot, value }, index) => {
    const before = points[index - 1]?.value;
    const at = x(slot).toFixed(1);
    return before === undefined
      ? [`${at},${y(value).toFixed(1)}`]
      : [`${at},${y(before).toFixed(1)}`, `${at},${y(value).toFixed(1)}`];
  });
  // A dot for each of thousands of steps would hide the line.
  const dots = points.length <= 60 ? points.slice(1, -1) : [];
  return (
    <svg className="chart" viewBox={`0 0 ${WIDTH} 174`} role="img" aria-label={label}>
      {[0, height / 2, height].map((value) => (
        <g key={value}>
          <line
            className="axis"
            x1={left}
            x2={right}
            y1={y(value)}
            y2={y(value)}
            strokeDasharray={value === 0 ? "" : "2 4"}
          />
          <text x={left - 8} y={y(value) + 4} textAnchor="end">
            {format(value)}
          </text>
        </g>
      ))}
      <polygon className="area" points={`${left},${bottom} ${corners.join(" ")} ${x(last).toFixed(1)},${bottom}`} />
      <polyline className="curve" points={corners.join(" ")} />
      {dots.map(({ slot, value }) => (
        <circle key={slot.toString()} className="point" cx={x(slot)} cy={y(value)} r={3} />
      ))}
      <text x={left} y={170}>
        {when(first)}
      </text>
      <text x={right} y={170} textAnchor="end">
        {when(last)}
      </text>
    </svg>
  );
}
