// The proof of work of the booking form: the widget's own file starts its worker from a text, which our policy
// forbids, so the worker comes as a file. Without this script the form works too: a code is mailed.
import "./altcha/altcha.min.js";

$altcha.algorithms.set("SHA-256", () => new Worker(new URL("./altcha/sha.js", import.meta.url)));
