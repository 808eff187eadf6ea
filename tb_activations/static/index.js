export function render() {
  document.body.textContent = "The dashboard is not built yet.";
}
