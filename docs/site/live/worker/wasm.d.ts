/** The WebAssembly of tfjs in base 64, which the bundler puts there. */
declare module 'wasm:tensorflow' {
  const base64: string;
  export default base64;
}
