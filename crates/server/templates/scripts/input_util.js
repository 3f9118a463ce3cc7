// Errors beside a form, and where typing begins. Themes call these names.
function InputUtil(errTextElementID, errDisplayElementID) {
    this.errLabel = document.getElementById(errTextElementID || 'errorText');
    this.errDisplay = document.getElementById(errDisplayElementID || 'error');
    this.hasFocus = false;
}
InputUtil.prototype.canDisplayError = function () {
    return Boolean(this.errLabel && this.errDisplay);
};
// Shows the error that came with the page, or hides the empty box.
InputUtil.prototype.checkError = function () {
    if (this.canDisplayError()) {
        this.errDisplay.style.display = this.errLabel.textContent.trim() ? 'block' : 'none';
    }
};
// The first empty field gets the focus.
InputUtil.prototype.setInitialFocus = function (input) {
    var element = typeof input === 'string' ? document.getElementById(input) : input;
    if (!this.hasFocus && element && !element.value) {
        this.hasFocus = true;
        element.focus();
    }
};
InputUtil.prototype.setError = function (input, errorMsg) {
    var element = typeof input === 'string' ? document.getElementById(input) : input;
    if (this.canDisplayError()) {
        this.errLabel.textContent = errorMsg;
        this.checkError();
    }
    if (element) {
        element.setAttribute('aria-invalid', 'true');
        element.setAttribute('aria-describedby', 'errorText');
        element.focus();
        if (element.select) { element.select(); }
    }
};
// Browsers show placeholders themselves; themes of older servers still call these.
InputUtil.makePlaceholder = function () {};
InputUtil.updatePlaceholder = function () {};
