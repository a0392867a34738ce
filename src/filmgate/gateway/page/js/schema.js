// Reads a model's JSON Schema: which control a field wants, and what other fields allow it. Draws nothing.

const FIRST = ["prompt", "image_urls", "audio_url", "resolution", "size", "duration", "seed"];
const HIDDEN = new Set(["model"]);

/** The fields of a form: `{name, control, choices, …}`, the ones that most people want first. */
export function fieldsOf(schema) {
  const fields = Object.entries(schema.properties)
    .filter(([name, rule]) => !HIDDEN.has(name) && rule.const === undefined)
    .map(([name, rule]) => ({
      name,
      control: controlOf(name, rule),
      choices: rule.enum ?? null,
      start: rule.default ?? null,
      charsMax: rule.maxLength ?? null,
      low: rule.minimum ?? null,
      high: rule.maximum ?? null,
      doc: rule.description ?? "",
      isFirst: FIRST.includes(name),
    }));
  const rank = (field) => (field.isFirst ? FIRST.indexOf(field.name) : FIRST.length);
  return fields.sort((a, b) => rank(a) - rank(b));
}

function controlOf(name, rule) {
  if (rule.type === "array" && rule.items?.pattern?.includes("data:image")) return "picture";
  if (rule.type === "boolean") return "switch";
  if (name === "audio_url") return "sound";
  if (name === "seed") return "seed";
  if (rule.enum) return rule.enum.length > 6 ? "list" : "choice";
  if (rule.type === "integer" || rule.type === "number") return "number";
  return (rule.maxLength ?? 0) >= 200 ? "text" : "line";
}

/** The values that a field may have beside the others' values, or null if the schema says nothing. */
export function allowedBy(schema, name, values) {
  for (const rule of schema.else?.allOf ?? []) {
    const conditions = Object.entries(rule.if?.properties ?? {});
    const isMet = conditions.every(([other, wanted]) => values[other] === wanted.const);
    const allowed = rule.then?.properties?.[name]?.enum;
    if (isMet && allowed) return allowed;
  }
  return null;
}

/** The fields that must not be given beside a picture. */
export function notBesidePicture(schema) {
  return schema.then?.not?.required ?? [];
}

/** Width and height of a film made from a picture: the server's own rule (GET /v1/models?expand=frames). */
export function frameForPicture(frames, resolution, widthPx, heightPx) {
  const aspect = widthPx / heightPx;
  const sizes = Object.values(frames.sizes[resolution]);
  const distance = ([width, height]) => Math.abs(aspect / (width / height) - 1);
  const near = sizes.reduce((best, size) => (distance(size) < distance(best) ? size : best));
  if (distance(near) <= frames.picture_tolerance) return near;
  const most = frames.picture_aspect_max;
  const clamped = Math.min(Math.max(aspect, 1 / most), most);
  const [wide, high] = frames.sizes[resolution]["16:9"] ?? sizes[0];
  const height = Math.round(Math.sqrt((wide * high) / clamped) / 2) * 2;
  return [Math.round((wide * high) / height / 2) * 2, height];
}
