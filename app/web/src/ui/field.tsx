/** Fields of forms: a name, a hint, and a sentence where the value is wrong. */
import { CircleAlert } from "lucide-react";
import { type ReactNode, useId } from "react";

/** A line of text or a number, with its unit. */
export function TextField({
  label,
  value,
  onChange,
  hint,
  error,
  unit,
  placeholder,
  mono = false,
  inputMode,
  multiline = false,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: ReactNode;
  error?: string | undefined;
  unit?: string;
  placeholder?: string;
  mono?: boolean;
  inputMode?: "decimal" | "numeric" | "url";
  multiline?: boolean;
}) {
  const id = useId();
  const described = [hint === undefined ? "" : `${id}-hint`, error === undefined ? "" : `${id}-error`].join(" ").trim();
  const shared = {
    id,
    value,
    placeholder,
    className: `input ${mono ? "mono" : ""}`,
    "aria-invalid": error !== undefined,
    "aria-describedby": described === "" ? undefined : described,
    autoComplete: "off",
    spellCheck: false,
  } as const;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="input-unit">
        {multiline ? (
          <textarea {...shared} rows={3} onChange={(event) => onChange(event.target.value)} />
        ) : (
          <input {...shared} type="text" inputMode={inputMode} onChange={(event) => onChange(event.target.value)} />
        )}
        {unit !== undefined && <span className="unit">{unit}</span>}
      </div>
      {hint !== undefined && (
        <div className="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {error !== undefined && (
        <div className="fault" id={`${id}-error`}>
          <CircleAlert aria-hidden size={15} style={{ flex: "none", marginTop: 3 }} />
          {error}
        </div>
      )}
    </div>
  );
}

/** What a list is narrowed by. */
export function SearchField({
  label,
  placeholder,
  value,
  onChange,
}: {
  label: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <input
      type="search"
      className="input small"
      style={{ flex: "1 1 240px" }}
      placeholder={placeholder}
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

/** One of a few, in a list that opens. */
export function SelectField<T extends string>({
  label,
  value,
  options,
  onChange,
  small = false,
}: {
  label: string;
  value: T;
  options: ReadonlyArray<readonly [T, string]>;
  onChange: (value: T) => void;
  small?: boolean;
}) {
  const id = useId();
  return (
    <div className="field" style={small ? { flexDirection: "row", alignItems: "center", gap: 8 } : undefined}>
      <label htmlFor={id} className={small ? "visually-hidden" : ""}>
        {label}
      </label>
      <select
        id={id}
        className={`input ${small ? "small" : ""}`}
        value={value}
        onChange={(event) => {
          const chosen = options.find(([key]) => key === event.target.value);
          if (chosen !== undefined) onChange(chosen[0]);
        }}
      >
        {options.map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Chips of which any number are on. */
export function Chips<T extends string | number>({
  label,
  options,
  chosen,
  onToggle,
}: {
  label: string;
  options: ReadonlyArray<{ readonly key: T; readonly name: string; readonly count?: number }>;
  chosen: ReadonlySet<T>;
  onToggle: (key: T) => void;
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset brings a legend and borders that do not belong here
    <div className="chips" role="group" aria-label={label}>
      {options.map(({ key, name, count }) => (
        <button key={key} type="button" className="chip" aria-pressed={chosen.has(key)} onClick={() => onToggle(key)}>
          {name}
          {count !== undefined && <span className="count">{count.toLocaleString("en-GB")}</span>}
        </button>
      ))}
    </div>
  );
}

/** The set with `key` put in or taken out. */
export function toggled<T>(set: ReadonlySet<T>, key: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(key)) next.add(key);
  return next;
}
