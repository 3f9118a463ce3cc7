// Wires a form whose button is a span: click, Enter and Space submit it, and Enter in a field does. The submit
// function is looked up at each event, because themes replace it.
function wireForm(form, button, submit) {
    button.addEventListener('click', function (event) {
        event.preventDefault();
        submit();
    });
    button.addEventListener('keydown', function (event) {
        if (event.key === 'Enter' || event.key === ' ') {
            event.preventDefault();
            event.stopPropagation();
            submit();
        }
    });
    form.addEventListener('keydown', function (event) {
        // Enter also ends the conversion of an input method; that one is not ours.
        if (event.key === 'Enter' && !event.isComposing && event.target.tagName === 'INPUT') {
            event.preventDefault();
            submit();
        }
    });
}
// A second submission before the first is answered is dropped; coming back to the page allows another.
function submitOnce(form, button) {
    if (button.getAttribute('aria-disabled') === 'true') { return; }
    button.setAttribute('aria-disabled', 'true');
    window.setTimeout(function () { button.removeAttribute('aria-disabled'); }, 10000);
    form.submit();
}
window.addEventListener('pageshow', function () {
    var button = document.getElementById('submitButton');
    if (button) { button.removeAttribute('aria-disabled'); }
});
