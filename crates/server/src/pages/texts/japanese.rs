//! 日本語.

use super::super::{XRayKeySource, XRayProtocol, XRaySigned, XRaySpan};
use super::*;

pub(crate) static JAPANESE: Texts = Texts {
    connecting_to: |name| format!("{name} に接続しています"),
    scripts_are_off: "JavaScript が無効になっていますが、このページはそのままご利用いただけます。",
    user_name: "ユーザー ID",
    user_name_placeholder: "someone@example.com",
    password: "パスワード",
    sign_in: SignIn {
        title: "サインイン",
        message: "組織のアカウントでサインインしてください",
        keep_me_signed_in: "サインインしたままにする",
        button: "サインイン",
        change_password: "パスワードを変更する",
    },
    sign_in_errors: SignInErrors {
        user_name_format: r"ユーザー ID は someone@example.com または DOMAIN\someone の形式で入力してください。",
        password_empty: "パスワードを入力してください。",
        password_too_long: "パスワードが 128 文字を超えています。短いパスワードを入力してください。",
        incorrect_credentials: "ユーザー ID またはパスワードが正しくありません。入力内容を確認して、もう一度お試しください。",
        account_disabled: "お使いのアカウントは無効になっています。管理者にお問い合わせください。",
        password_expired: "パスワードの有効期限が切れています。パスワードを変更してからサインインしてください。",
        too_many_attempts: "サインインの試行回数が多すぎます。数分待ってから、もう一度お試しください。",
        request_expired: "サインインに時間がかかりすぎました。アプリケーションに戻って、はじめからやり直してください。",
        service_unavailable: "現在、パスワードを確認できません。数分待ってから、もう一度お試しください。",
    },
    error_page: ErrorPage {
        title: "エラー",
        heading: "エラーが発生しました",
        details: "エラーの詳細",
        relying_party: "証明書利用者",
        error_details: "エラーの詳細",
        node: "ノード名",
        time: "エラーの日時",
        cookie: "Cookie",
        enabled: "有効",
        disabled: "無効",
        user_agent: "ユーザー エージェント文字列",
    },
    error_messages: ErrorMessages {
        generic: "エラーが発生しました。詳細については、管理者にお問い合わせください。",
        not_authorized: "サインインは完了していますが、このアプリケーションを利用する権限がありません。\
                         管理者に利用許可をご依頼ください。",
        too_many_requests: "ブラウザーからの要求が短時間に繰り返されました。ブラウザーのウィンドウをすべて閉じてから、\
                            アプリケーションを開き直してください。解決しない場合は、管理者にお問い合わせください。",
        request_expired: "この要求は有効ではなくなりました。アプリケーションに戻って、はじめからやり直してください。",
        service_unavailable: "現在、サービスが応答できません。数分待ってから、もう一度お試しください。",
    },
    change_password: ChangePassword {
        title: "パスワードの変更",
        chosen: "現在のパスワードを入力し、新しいパスワードを 2 回入力してください。",
        required: "サインインするには、新しいパスワードを設定する必要があります。",
        expired: "パスワードの有効期限が切れています。サインインするには、新しいパスワードを設定してください。",
        old_password: "現在のパスワード",
        new_password: "新しいパスワード",
        confirm_new_password: "新しいパスワード (確認)",
        button: "パスワードを変更",
        cancel: "キャンセル",
        done: "パスワードを変更しました。",
        go_on: "続行",
    },
    change_password_errors: ChangePasswordErrors {
        old_password_empty: "現在のパスワードを入力してください。",
        new_password_empty: "新しいパスワードを入力してください。",
        mismatch: "新しいパスワードが一致していません。同じパスワードを 2 回入力してください。",
        policy_not_met: "新しいパスワードが組織の規則を満たしていません。短すぎる、単純すぎる、\
                         または以前に使用したパスワードである可能性があります。",
        unchanged: "新しいパスワードが現在のパスワードと同じです。別のパスワードを設定してください。",
    },
    auto_submit: AutoSubmit {
        title: "処理中...",
        script_is_disabled: "スクリプトが無効になっています。続行するには [送信] を選択してください。",
        submit: "送信",
    },
    xray: XRay {
        title: "Claims X-Ray",
        introduction: "Claims X-Ray は、受け取ったトークンの中身を表示するアプリケーションです。\
                       フェデレーション サービスが利用者について何を伝え、誰が署名し、いつまで有効なのかを確認できます。",
        choose: "サインインの方法を選んでください",
        sign_in_by: |protocol| match protocol {
            XRayProtocol::WsFederationSaml11 => "WS-Federation でサインイン (SAML 1.1)",
            XRayProtocol::WsFederationSaml20 => "WS-Federation でサインイン (SAML 2.0)",
            XRayProtocol::Saml20 => "SAML 2.0 でサインイン",
        },
        explain: |protocol| match protocol {
            XRayProtocol::WsFederationSaml11 => {
                "SharePoint や ASP.NET のアプリケーションで使われる方式です。"
            }
            XRayProtocol::WsFederationSaml20 => "同じプロトコルで、新しい形式のトークンを受け取ります。",
            XRayProtocol::Saml20 => {
                "多くのクラウド アプリケーションで使われる SAML の Web ブラウザー プロファイルです。"
            }
        },
        fresh: "サインイン済みでもパスワードの入力を求める",
        fresh_hint: "wfresh=0 または ForceAuthn を送信します。",
        accepted: "トークンは受け入れられました",
        accepted_text: "署名、対象者、有効期間など、すべての検証に合格しました。",
        refused: "トークンは拒否されました",
        refused_text: |count| {
            format!(
                "アプリケーションはこのトークンを受け入れてはいけません。{count} 件の問題が見つかりました。"
            )
        },
        again: "もう一度サインイン",
        unreadable: "クレームは表示していません。検証に合格していない内容は、下の XML でのみ確認できます。",
        token: "トークン",
        protocol: "プロトコル",
        token_kind: "トークンの種類",
        token_id: "トークン ID",
        issuer: "発行者",
        audience: "対象者",
        recipient: "宛先",
        in_response_to: "元の要求",
        relay_state: "リレー状態 (コンテキスト)",
        subject: "サブジェクト",
        name_id: "名前 ID",
        name_id_format: "名前 ID の形式",
        no_name_id: "なし",
        authentication_method: "認証方法",
        authentication_instant: "認証日時",
        lifetimes: "有効期間",
        lifetime: |span| match span {
            XRaySpan::Token => "トークン",
            XRaySpan::SubjectConfirmation => "受け渡し",
            XRaySpan::Response => "応答",
            XRaySpan::Session => "セッション",
        },
        valid_for: |time| format!("あと {time}有効"),
        ended: |time| format!("{time}前に終了"),
        begins_in: |time| format!("{time}後に開始"),
        without_end: "終了日時の指定なし",
        duration: |seconds| duration(seconds, ["日", "時間", "分", "秒"], ""),
        claims: "クレーム",
        claim_count: |count| format!("{count} 件"),
        no_claims: "トークンにクレームは含まれていません。",
        claim_type: "クレームの種類",
        value: "値",
        claim_issuer: "発行者",
        originally: |issuer| format!("元の発行者: {issuer}"),
        more_values: |count| format!("ほか {count} 件を表示"),
        groups: ClaimGroups {
            identity: "本人の情報",
            groups: "グループと役割",
            authentication: "認証",
            request: "アクセス元とデバイス",
            other: "その他",
        },
        signatures: "署名",
        no_signature: "この応答には署名がありません。",
        signed_part: "署名の対象",
        signed: |what| match what {
            XRaySigned::Assertion => "アサーション",
            XRaySigned::Response => "応答",
        },
        signature_algorithm: "署名アルゴリズム",
        digest_algorithm: "ダイジェスト アルゴリズム",
        certificate: "証明書",
        thumbprint: "拇印",
        key_source: "鍵",
        key: |source| match source {
            XRayKeySource::Trusted => "フェデレーション サービスのトークン署名証明書です。",
            XRayKeySource::Unknown => "メッセージに含まれていた鍵です。信頼の根拠はありません。",
        },
        raw_xml: "XML",
        raw_xml_hint: "読みやすいように字下げしています。コピーすると、受信したままの XML が得られます。",
        copy: "コピー",
        copied: "コピーしました",
    },
};
