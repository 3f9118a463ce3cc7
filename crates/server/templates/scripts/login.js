function Login() {}
Login.userNameInput = 'userNameInput';
Login.passwordInput = 'passwordInput';
Login.initialize = function () {
    var util = new InputUtil();
    util.checkError();
    util.setInitialFocus(Login.userNameInput);
    util.setInitialFocus(Login.passwordInput);
};
Login.submitLoginRequest = function () {
    var util = new InputUtil();
    var errors = new LoginErrors();
    var userName = document.getElementById(Login.userNameInput);
    var password = document.getElementById(Login.passwordInput);
    if (!/[@\\]/.test(userName.value)) {
        util.setError(userName, errors.userNameFormatError);
        return false;
    }
    if (!password.value) {
        util.setError(password, errors.passwordEmpty);
        return false;
    }
    if (password.value.length > maxPasswordLength) {
        util.setError(password, errors.passwordTooLong);
        return false;
    }
    submitOnce(document.forms['loginForm'], document.getElementById('submitButton'));
    return false;
};
function SelectOption(option) {
    document.getElementById('userNameInputOptionsHolder').value = document.getElementById(Login.userNameInput).value;
    var selection = document.getElementById('optionSelection');
    selection.value = option;
    document.forms['options'].submit();
    return false;
}
wireForm(document.forms['loginForm'], document.getElementById('submitButton'), function () { return Login.submitLoginRequest(); });
Login.initialize();
