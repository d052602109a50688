// Base64 of little-endian numbers, as targeting/pages/rendering.py packs them, to numbers; `kind` is Float64 or Uint16.
function unpack(text, kind = "Float64") {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const size = kind === "Float64" ? 8 : 2;
  return Float64Array.from({ length: bytes.length / size }, (_, i) => view[`get${kind}`](size * i, true));
}
