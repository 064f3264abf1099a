import type { DocumentLanguage } from './words.ts';

/**
 * Documents that were kept before their lines had codes (0.1.0): the English of those lines, put into words by rules over the text.
 * Frozen: such documents are printed as they were. A text without a rule here stays as it is: English.
 */
type Rule = readonly [pattern: RegExp, made: (groups: readonly string[], language: DocumentLanguage) => string];

const FEES: Readonly<Record<string, readonly [en: string, hant: string, hans: string]>> = {
  payment: ['payment', '付款', '付款'],
  refund: ['refund', '退款', '退款'],
  terms_violated: ['terms violated', '違反條款', '违反条款'],
  abuse: ['abuse', '濫用', '滥用'],
  harm: ['harm to other users', '損害其他用戶', '损害其他用户'],
  dispute: ['payment dispute', '付款爭議', '付款争议'],
  dispute_closed: ['payment dispute closed', '付款爭議已結束', '付款争议已结束'],
  malicious_trial: ['malicious trial', '惡意試用', '恶意试用'],
  withdrawn: ['product withdrawn', '產品下架', '产品下架'],
  suspended: ['suspension', '暫停服務', '暂停服务'],
  resumed: ['resumption', '恢復服務', '恢复服务'],
  credit_claimed: ['credit claimed', '申請抵免', '申请抵免'],
  ip_replaced: ['IP address replaced', '更換 IP 位址', '更换 IP 地址'],
  ip_unusable: ['unusable IP address replaced', '更換無法使用的 IP 位址', '更换无法使用的 IP 地址'],
  ip_blocked: ['blocked IP address replaced', '更換遭封鎖的 IP 位址', '更换被封锁的 IP 地址'],
};

const PHRASES: Readonly<Record<string, readonly [hant: string, hans: string]>> = {
  'received + sent': ['接收 + 傳送', '接收 + 发送'],
  received: ['接收', '接收'],
  sent: ['傳送', '发送'],
  'the larger of received and sent': ['接收與傳送較大者', '接收与发送较大者'],
  'the larger direction': ['較大方向', '较大方向'],
  'each local day costs D = P, the price per day': ['每個當地日費用 D = P（日價）', '每个当地日费用 D = P（日价）'],
  'each local day costs D = P x its hours (23, 24 or 25)': [
    '每個當地日費用 D = P x 當日小時數（23、24 或 25）',
    '每个当地日费用 D = P x 当日小时数（23、24 或 25）',
  ],
  'day d (from 0) of a month of N days costs D = floor(P(d+1)/N) - floor(P d/N)': [
    'N 天的月份中第 d 天（由 0 起）費用 D = floor(P(d+1)/N) - floor(P d/N)',
    'N 天的月份中第 d 天（从 0 起）费用 D = floor(P(d+1)/N) - floor(P d/N)',
  ],
  'minute k of a day of M minutes costs floor(D(k+1)/M) - floor(D k/M)': [
    'M 分鐘的日子中第 k 分鐘費用 floor(D(k+1)/M) - floor(D k/M)',
    'M 分钟的日子中第 k 分钟费用 floor(D(k+1)/M) - floor(D k/M)',
  ],
  'the unit price is the average': ['單價為平均值', '单价为平均值'],
  'each local day by itself: min(cap x D, multiplier x worth of its unavailable minutes)': [
    '每個當地日分別計算：min(上限 x D, 倍數 x 不可用分鐘的價值)',
    '每个当地日分别计算：min(上限 x D, 倍数 x 不可用分钟的价值)',
  ],
  'min(cap, share per minute x unavailable minutes) of the charge': [
    '費用的 min(上限, 每分鐘比例 x 不可用分鐘數)',
    '费用的 min(上限, 每分钟比例 x 不可用分钟数)',
  ],
  "the share of the tier that the calendar month's uptime reaches, of the month's charge": [
    '當月費用 x 當月可用率所達級距的比例',
    '当月费用 x 当月可用率所达级距的比例',
  ],
  'all units at the price of the tier that holds them': ['全部數量按所在級距計價', '全部数量按所在级距计价'],
  'each tier prices its own units': ['各級距分別計價', '各级距分别计价'],
  'bytes of the 5-minute slot of rank ceil(0.95 n), ascending, absent slots 0': [
    '5 分鐘時段流量由小到大第 ceil(0.95 n) 個，無流量時段為 0',
    '5 分钟时段流量由小到大第 ceil(0.95 n) 个，无流量时段为 0',
  ],
  'x 8 / 300 s / 10^6 x price': ['x 8 / 300 秒 / 10^6 x 單價', 'x 8 / 300 秒 / 10^6 x 单价'],
  'recorded events that are not free x fee': ['需計費的已記錄事件數 x 費用', '需计费的已记录事件数 x 费用'],
  'amount owed at the start of each started day x rate': [
    '每個已開始之日起始時的欠款 x 費率',
    '每个已开始之日起始时的欠款 x 费率',
  ],
  'simple: no fee on a fee': ['單利：不對滯納金再計費', '单利：不对滞纳金再计费'],
  'samples, events or the catalog were restated since it was issued': [
    '開立後樣本、事件記錄或目錄有所更正',
    '开具后样本、事件记录或目录有所更正',
  ],
  'sum of the rounded lines before x rate / 100': ['以上各行（已捨入）之和 x 稅率 / 100', '以上各行（已舍入）之和 x 税率 / 100'],
  'amount of each charge owed at the start of each started day x rate': [
    '每個已開始之日起始時各筆欠費 x 費率',
    '每个已开始之日起始时各笔欠费 x 费率',
  ],
  'what the line rates to now - (the line - what was credited on it before)': [
    '該行重新計價結果 -（該行金額 - 先前已折讓金額）',
    '该行重新计价结果 -（该行金额 - 先前已冲减金额）',
  ],
  'what the line rates to now - (the line - what was credited on it + what was debited before)': [
    '該行重新計價結果 -（該行金額 - 先前已折讓金額 + 先前已補收金額）',
    '该行重新计价结果 -（该行金额 - 先前已冲减金额 + 先前已补收金额）',
  ],
};

const UNITS: Readonly<Record<string, readonly [hant: string, hans: string]>> = {
  day: ['天', '天'],
  minute: ['分鐘', '分钟'],
  event: ['次', '次'],
  correction: ['更正', '更正'],
  byte: ['位元組', '字节'],
};

const CAUSES: Readonly<Record<string, readonly [en: string, hant: string, hans: string]>> = {
  provider: ['provider', '供應商', '供应商'],
  third_party: ['third party', '第三方', '第三方'],
  maintenance: ['maintenance', '維護', '维护'],
  force_majeure: ['force majeure', '不可抗力', '不可抗力'],
  attack: ['attack', '攻擊', '攻击'],
  customer: ['customer', '客戶', '客户'],
  arrears: ['arrears', '欠費', '欠费'],
  silent: ['silent', '無回報', '无上报'],
};

function pick(language: DocumentLanguage, en: string, hant: string, hans: string): string {
  return language === 'en' ? en : language === 'zh-Hant' ? hant : hans;
}

function phrase(text: string, language: DocumentLanguage): string {
  const found = PHRASES[text];
  return found === undefined ? text : pick(language, text, ...found);
}

const DESCRIPTIONS: readonly Rule[] = [
  [
    /^Service, (plan .+)$/,
    ([plans = ''], language) => {
      const names = plans.replaceAll('plan ', '');
      return pick(language, `Service, plan ${names}`, `服務費，方案 ${names}`, `服务费，方案 ${names}`);
    },
  ],
  [
    /^Traffic \((.+)\), plan (.+)$/,
    ([counting = '', plan = ''], language) =>
      pick(
        language,
        `Traffic (${counting}), plan ${plan}`,
        `流量（${phrase(counting, language)}），方案 ${plan}`,
        `流量（${phrase(counting, language)}），方案 ${plan}`,
      ),
  ],
  [
    /^95th percentile \((.+)\), plan (.+)$/,
    ([direction = '', plan = ''], language) =>
      pick(
        language,
        `95th percentile (${direction}), plan ${plan}`,
        `第 95 百分位頻寬（${phrase(direction, language)}），方案 ${plan}`,
        `第 95 百分位带宽（${phrase(direction, language)}），方案 ${plan}`,
      ),
  ],
  [
    /^Credit for (\d+) unavailable minutes?$/,
    ([n = ''], language) =>
      pick(
        language,
        `Credit for ${n} unavailable ${n === '1' ? 'minute' : 'minutes'}`,
        `不可用 ${n} 分鐘之抵免`,
        `不可用 ${n} 分钟之抵免`,
      ),
  ],
  [
    /^Fee: (\w+)$/,
    ([kind = ''], language) => {
      const [en, hant, hans] = FEES[kind] ?? [kind, kind, kind];
      return pick(language, `Fee: ${en}`, `費用：${hant}`, `费用：${hans}`);
    },
  ],
  [
    /^Late fee on invoice (.+)$/,
    ([n = ''], language) => pick(language, `Late fee on invoice ${n}`, `帳單 ${n} 之滯納金`, `账单 ${n} 的滞纳金`),
  ],
  [
    /^Late fee on daily charges that the prepaid balance did not cover$/,
    (_, language) =>
      pick(
        language,
        'Late fee on daily charges that the prepaid balance did not cover',
        '預付餘額不足以支付之每日費用的滯納金',
        '预付余额不足以支付的每日费用的滞纳金',
      ),
  ],
  [/^Tax (\S+) %$/, ([percent = ''], language) => pick(language, `Tax ${percent} %`, `稅 ${percent} %`, `税 ${percent} %`)],
  [
    /^Correction of a line that was lacking of invoice (\d+): (.+)$/s,
    ([n = '', rest = ''], language) =>
      pick(
        language,
        `Correction of a line that was lacking of invoice ${n}: `,
        `更正帳單 ${n} 遺漏之項目：`,
        `更正账单 ${n} 遗漏的项目：`,
      ) + describe(rest, language),
  ],
  [
    /^Correction of line (\d+) of invoice (\d+): (.+)$/s,
    ([line = '', n = '', rest = ''], language) =>
      pick(
        language,
        `Correction of line ${line} of invoice ${n}: `,
        `更正帳單 ${n} 第 ${line} 行：`,
        `更正账单 ${n} 第 ${line} 行：`,
      ) + describe(rest, language),
  ],
];

/** A line's description. */
export function describe(text: string, language: DocumentLanguage): string {
  for (const [pattern, made] of DESCRIPTIONS) {
    const match = pattern.exec(text);
    if (match !== null) return made(match.slice(1), language);
  }
  return text;
}

/** Why a line was corrected, in the words that `reconcile` puts together: parts with what they name, each cause as a word. */
export function reasonText(reason: string, language: DocumentLanguage): string {
  const parts = reason.split('; ').map((part) => {
    const [, since = '', named = ''] = /^(incidents|credit claimed) since it was issued: (.+)$/s.exec(part) ?? [];
    if (since === '') return phrase(part, language);
    const list = named.replace(/\((\w+)(, withdrawn)?\)/g, (whole, cause: string, withdrawn?: string) => {
      const word = CAUSES[cause];
      if (since !== 'incidents' || word === undefined) return whole;
      return `(${pick(language, ...word)}${withdrawn === undefined ? '' : pick(language, ', withdrawn', '，已撤回', '，已撤回')})`;
    });
    return since === 'incidents'
      ? pick(language, `incidents since it was issued: ${list}`, `開立後記錄的事件：${list}`, `开具后记录的事件：${list}`)
      : pick(language, `credit claimed since it was issued: ${list}`, `開立後申請的抵免：${list}`, `开具后申请的抵免：${list}`);
  });
  return parts.join(pick(language, '; ', '；', '；'));
}

/** A line's formula, phrase by phrase; names of JSON members become words. */
export function formulaText(formula: string, language: DocumentLanguage): string {
  const words = formula.split('; ').map((part) => {
    const metered = /^(.+) - included_bytes, at least 0, \/ unit_bytes(, started units whole)?$/.exec(part);
    if (metered === null) return phrase(part === 'unit_price is the average' ? 'the unit price is the average' : part, language);
    const [, counted = '', started] = metered;
    return pick(
      language,
      `(${counted} - included bytes, at least 0) / bytes of a unit${started === undefined ? '' : ', started units whole'}`,
      `（${phrase(counted, language)} - 內含流量，至少為 0）/ 單位流量${started === undefined ? '' : '，不足一單位以一單位計'}`,
      `（${phrase(counted, language)} - 内含流量，至少为 0）/ 单位流量${started === undefined ? '' : '，不足一单位按一单位计'}`,
    );
  });
  return words.join(pick(language, '; ', '；', '；'));
}

/** A unit, in the number that English asks for. */
export function unitText(unit: string, quantity: string, language: DocumentLanguage): string {
  const bytes = /^(\d+) bytes$/.exec(unit)?.[1];
  if (bytes !== undefined) return pick(language, unit, `${bytes} 位元組`, `${bytes} 字节`);
  const known = UNITS[unit];
  if (known === undefined) return unit;
  return pick(language, quantity === '1' ? unit : `${unit}s`, ...known);
}
