// A page whose parts did not all come is loaded again. A browser breaks off what is on its way when the computer's networks
// change, also what comes from this computer: it happens whenever Docker starts or ends something.

const COUNT = "kitbag-loads";
const MOST = 8;

window.addEventListener("load", () => {
  const loads = Number(sessionStorage.getItem(COUNT) ?? 0);
  const whole = "begun" in document.documentElement.dataset && document.styleSheets.length > 0;
  if (whole) sessionStorage.removeItem(COUNT);
  else if (loads < MOST) {
    sessionStorage.setItem(COUNT, String(loads + 1));
    setTimeout(() => location.reload(), 100 * 2 ** loads);
  }
});
