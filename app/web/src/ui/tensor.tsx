/** A tensor, shown as what it is. */
import { useEffect, useMemo, useRef, useState } from "react";
import { formatCount } from "../model/amounts.ts";
import { hex } from "../model/keys.ts";
import {
  elements,
  greatest,
  imageSize,
  type Look,
  looksOf,
  pixels,
  type Shape,
  tableOf,
} from "../model/tensor-view.ts";

const NAMES: Readonly<Record<Look, string>> = {
  table: "Table",
  vector: "Vector",
  image: "Image",
  text: "Text",
  bytes: "Bytes",
};
/** Rows and values that are shown of a large tensor. */
const MOST_ROWS = 64;
const MOST_VALUES = 512;

/** With tabs for every look that fits. */
export function TensorView({ bytes, shape }: { bytes: Uint8Array; shape: Shape }) {
  const looks = useMemo(() => looksOf(bytes, shape), [bytes, shape]);
  const [chosen, choose] = useState<Look>();
  const look = chosen ?? looks[0] ?? "bytes";
  return (
    <div>
      <div className="tabs" role="tablist" aria-label="How the result is shown">
        {looks.map((one) => (
          <button key={one} type="button" role="tab" aria-selected={one === look} onClick={() => choose(one)}>
            {NAMES[one]}
          </button>
        ))}
      </div>
      <div role="tabpanel" aria-label={NAMES[look]} style={{ paddingTop: 12 }}>
        <Shown look={look} bytes={bytes} shape={shape} />
      </div>
    </div>
  );
}

function Shown({ look, bytes, shape }: { look: Look; bytes: Uint8Array; shape: Shape }) {
  const values = useMemo(() => elements(bytes, shape.dtype), [bytes, shape.dtype]);
  switch (look) {
    case "text":
      return <pre className="block">{new TextDecoder().decode(bytes)}</pre>;
    case "image":
      return <Image values={values} shape={shape} />;
    case "table":
      return <Table values={values} shape={shape} />;
    case "vector":
      return (
        <pre className="block">
          {values.slice(0, MOST_VALUES).join(", ")}
          {values.length > MOST_VALUES && ` … and ${formatCount(values.length - MOST_VALUES)} more`}
        </pre>
      );
    case "bytes":
      return (
        <pre className="block">
          {hex(bytes.slice(0, MOST_VALUES))}
          {bytes.length > MOST_VALUES && ` … of ${formatCount(bytes.length)} bytes`}
        </pre>
      );
  }
}

function Image({ values, shape }: { values: readonly number[]; shape: Shape }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = imageSize(shape);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (size === undefined || context === undefined || context === null) return;
    context.putImageData(new ImageData(pixels(values, size), size.width, size.height), 0, 0);
  }, [values, size]);
  if (size === undefined) return null;
  return (
    <canvas
      ref={canvas}
      className="result-image"
      width={size.width}
      height={size.height}
      role="img"
      aria-label="The result as an image"
    />
  );
}

function Table({ values, shape }: { values: readonly number[]; shape: Shape }) {
  const { columns, rows } = tableOf(values, shape);
  const shownRows = Math.min(rows, MOST_ROWS);
  const shownColumns = Math.min(columns, 32);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard */}
      <section className="table-wrap" tabIndex={0} aria-label="The result as a table">
        <table className="table compact">
          <thead>
            <tr>
              <th>Row</th>
              <th className="end">Greatest at</th>
              {Array.from({ length: shownColumns }, (_, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a column is its index
                <th key={column} className="end">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: shownRows }, (_, row) => {
              const cells = values.slice(row * columns, (row + 1) * columns);
              const best = greatest(cells);
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: a row is its index
                <tr key={row}>
                  <td className="faint">{row}</td>
                  <td className="end">
                    <strong>{best}</strong>
                  </td>
                  {cells.slice(0, shownColumns).map((value, column) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a cell is its place
                    <td key={column} className="end" style={column === best ? { fontWeight: 650 } : undefined}>
                      {value}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      {(rows > shownRows || columns > shownColumns) && (
        <p className="small muted">
          {formatCount(shownRows)} of {formatCount(rows)} rows and {shownColumns} of {formatCount(columns)} columns are
          shown.
        </p>
      )}
    </>
  );
}
