function UpdatePassword() {}
UpdatePassword.initialize = function () {
    var util = new InputUtil();
    util.checkError();
    ['userNameInput', 'oldPasswordInput', 'newPasswordInput'].forEach(function (id) { util.setInitialFocus(id); });
};
UpdatePassword.submitPasswordChange = function () {
    var util = new InputUtil();
    var errors = new UpdatePasswordErrors();
    function field(id) { return document.getElementById(id); }
    var checks = [
        ['userNameInput', !/[@\\]/.test(field('userNameInput').value), errors.userNameFormatError],
        ['oldPasswordInput', !field('oldPasswordInput').value, errors.oldPasswordEmpty],
        ['newPasswordInput', !field('newPasswordInput').value, errors.newPasswordEmpty],
        ['newPasswordInput', field('newPasswordInput').value.length > maxPasswordLength, errors.passwordTooLong],
        ['confirmNewPasswordInput', field('confirmNewPasswordInput').value !== field('newPasswordInput').value, errors.mismatchError]
    ];
    for (var i = 0; i < checks.length; i += 1) {
        if (checks[i][1]) {
            util.setError(checks[i][0], checks[i][2]);
            return false;
        }
    }
    submitOnce(document.forms['updatePasswordForm'], document.getElementById('submitButton'));
    return false;
};
wireForm(document.forms['updatePasswordForm'], document.getElementById('submitButton'), function () { return UpdatePassword.submitPasswordChange(); });
UpdatePassword.initialize();
