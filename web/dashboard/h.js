// What JSX is made into, for web/build.mjs.
export { h, Fragment } from "preact";
