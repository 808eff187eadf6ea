/** Native inputs with our names: each takes its value as a signal, so that moving one renders nothing. */
import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

interface SliderProps {
  readonly label: string;
  readonly value: ReadonlySignal<number>;
  readonly min: number;
  readonly max: number;
  readonly step: number | "any";
  readonly onInput: (value: number) => void;
  /** What stands in the box beside it. */
  readonly format: (value: number) => string;
  /** Where a double click puts it. */
  readonly initial?: number;
}

export function Slider(props: SliderProps) {
  const { label, value, min, max, step, onInput, format, initial } = props;
  const text = useComputed(() => format(value.value));
  return (
    <div class="slider">
      <span class="name" aria-hidden="true">
        {label}
      </span>
      <input
        type="range"
        aria-label={label}
        aria-valuetext={text}
        min={min}
        max={max}
        step={step}
        value={value}
        onInput={(event) => onInput(event.currentTarget.valueAsNumber)}
        onDblClick={() => initial !== undefined && onInput(initial)}
      />
      <span class="value">{text}</span>
    </div>
  );
}

interface Choice {
  readonly value: string;
  readonly text: string;
}

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly Choice[];
  readonly onChange: (value: string) => void;
  /** Whether the label stands before it; else it is only its name. */
  readonly shown?: boolean;
  readonly disabled?: boolean;
}

export function Select({ label, value, choices, onChange, shown, disabled }: SelectProps) {
  const select = (
    <select
      class="select"
      aria-label={label}
      disabled={disabled ?? false}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      {choices.map((choice) => (
        <option key={choice.value} value={choice.value} selected={choice.value === value}>
          {choice.text}
        </option>
      ))}
    </select>
  );
  if (!shown) return select;
  return (
    <span class="labelled">
      <span aria-hidden="true">{label}</span>
      {select}
    </span>
  );
}

/** Two or three choices side by side, one of them pressed. */
export function Segments({ label, value, choices, onChange }: Omit<SelectProps, "shown">) {
  return (
    <fieldset class="segments" aria-label={label}>
      {choices.map((choice) => (
        <Button
          key={choice.value}
          label={choice.text}
          pressed={choice.value === value}
          onClick={() => onChange(choice.value)}
        />
      ))}
    </fieldset>
  );
}

interface ButtonProps {
  readonly label: string;
  readonly onClick: () => void;
  /** Given for buttons that stay down. */
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  /** Shown in place of the label. */
  readonly icon?: keyof typeof ICONS;
  readonly title?: string;
  readonly class?: string;
  readonly children?: ComponentChildren;
}

export function Button(props: ButtonProps) {
  const { label, onClick, pressed, disabled, icon, title, children } = props;
  return (
    <button
      type="button"
      class={`button ${icon ? "icon" : ""} ${props.class ?? ""}`}
      aria-label={icon || children ? label : undefined}
      aria-pressed={pressed}
      disabled={disabled ?? false}
      title={title ?? (icon ? label : undefined)}
      onClick={onClick}
    >
      {icon ? <Icon name={icon} /> : (children ?? label)}
    </button>
  );
}

/** Paths on a 16 × 16 field. */
const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  previous: "M11 3v10L4 8z",
  next: "M5 3v10l7-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  close:
    "M4.4 3.3 8 6.9l3.6-3.6 1.1 1.1L9.1 8l3.6 3.6-1.1 1.1L8 9.1l-3.6 3.6-1.1-1.1L6.9 8 3.3 4.4z",
  panel: "M2 3h12v10H2zM10 4.5H3.5v7H10z",
} as const;

function Icon({ name }: { readonly name: keyof typeof ICONS }) {
  return (
    <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" fill-rule="evenodd">
      <path d={ICONS[name]} />
    </svg>
  );
}

interface CheckboxProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly title?: string;
}

export function Checkbox({ label, checked, onChange, title }: CheckboxProps) {
  return (
    <label class="checkbox" title={title}>
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

interface CopyButtonProps {
  readonly label: string;
  readonly class?: string;
  readonly copy: () => Promise<string>;
}

/** Copies something, and says for a moment what came of it. */
export function CopyButton({ label, copy, ...props }: CopyButtonProps) {
  const said = useSignal("");
  return (
    <>
      <span class="muted" aria-live="polite">
        {said.value}
      </span>
      <button
        type="button"
        class={props.class ?? "button"}
        onClick={() => {
          void copy().then((text) => {
            said.value = text;
            setTimeout(() => {
              said.value = "";
            }, 4000);
          });
        }}
      >
        {label}
      </button>
    </>
  );
}
