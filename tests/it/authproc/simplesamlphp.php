<?php
// Runs SimpleSAMLphp's own filters, PHP's preg_match and preg_replace for the differential tests: a JSON line in, a JSON line out.
//   {"match": pattern, "texts": [..]}                       => [true | false | null (the pattern is bad), ..]
//   {"replace": pattern, "with": replacement, "texts": [..]} => [[replaced, matched or null] in hexadecimal | null, ..]
//   {"groups": pattern}                                     => how many groups it has
//   {"global": F, "idp": F, "sp": F, "attributes": P, "sp_attributes": null | [..], "idp_attributes": ..}
//                 => P | null (a filter left what is no UTF-8) | false (a filter broke down) | "refused" (Cardinality)
// P is an array as a list of [key or null, value], a nested one as {"pairs": P}; F is a list of [priority, class, P].

error_reporting(0);
$root = $argv[1];
require_once $root . '/lib/_autoload.php';

function unpairs($value)
{
    if (!is_array($value) || !array_key_exists('pairs', $value)) {
        return $value;
    }
    $array = [];
    foreach ($value['pairs'] as [$key, $one]) {
        if ($key === null) {
            $array[] = unpairs($one);
        } else {
            $array[$key] = unpairs($one);
        }
    }
    return $array;
}

function authproc(array $filters): array
{
    $authproc = [];
    foreach ($filters as [$priority, $class, $config]) {
        $authproc[$priority] = ['class' => strpos($class, ':') ? $class : 'core:' . $class] + unpairs($config);
    }
    return $authproc;
}

function lists(string $entity, array $filters, ?array $attributes): array
{
    $metadata = ['entityid' => $entity, 'authproc' => authproc($filters)];
    return $attributes === null ? $metadata : $metadata + ['attributes' => $attributes];
}

// AttributeAlter's array_diff leaves holes, and what a later filter finds at [0] is then an accident.
function closed(array $attributes): array
{
    return array_map('array_values', $attributes);
}

function filtered(array $case): array|bool|string|null
{
    \SimpleSAML\Configuration::loadFromArray([
        'authproc.idp' => authproc($case['global']),
        'logging.handler' => 'stderr',
        'logging.level' => 0,
    ], '[ARRAY]', 'simplesaml');
    $idp = lists('idp', $case['idp'], $case['idp_attributes']);
    $sp = lists('sp', $case['sp'], $case['sp_attributes']);
    $chain = new \SimpleSAML\Auth\ProcessingChain($idp, $sp);
    $filters = (function () {
        return $this->filters;
    })->call($chain);
    $state = ['Attributes' => unpairs($case['attributes']), 'Source' => $idp, 'Destination' => $sp];
    foreach ($filters as $filter) {
        try {
            $filter->process($state);
        } catch (\Throwable $error) {
            // A refusal saves its state for a page, which needs a web server.
            return isset($state['core:cardinality:errorAttributes']) ? 'refused' : false;
        }
        $state['Attributes'] = closed($state['Attributes']);
        foreach ($state['Attributes'] as $values) {
            if (preg_match('//u', implode('', $values)) === false) {
                return null;
            }
        }
    }
    $result = [];
    foreach ($state['Attributes'] as $name => $values) {
        $result[] = [$name, $values];
    }
    return $result;
}

// {"persistent": "filter" | "userid", "salt": .., "idp": .., "sp": .., "attributes": P, "attribute": ..} => [id or null]
// by saml:PersistentNameID, or as the IdP computes it by itself from userid.attribute.
function persistent(array $case): array
{
    \SimpleSAML\Configuration::loadFromArray([
        'secretsalt' => $case['salt'],
        'logging.handler' => 'stderr',
        'logging.level' => 0,
    ], '[ARRAY]', 'simplesaml');
    $idp = ['entityid' => $case['idp'], 'userid.attribute' => $case['attribute']];
    $sp = ['entityid' => $case['sp']];
    $state = ['Attributes' => unpairs($case['attributes']), 'Source' => $idp, 'Destination' => $sp];
    if ($case['persistent'] === 'filter') {
        $filter = new \SimpleSAML\Module\saml\Auth\Process\PersistentNameID(['attribute' => $case['attribute']], null);
        $filter->process($state);
        $made = $state['saml:NameID'] ?? [];
        $made = reset($made);
        return [$made ? $made->getValue() : null];
    }
    $add = new \ReflectionMethod('\SimpleSAML\Auth\ProcessingChain', 'addUserID');
    $add->setAccessible(true);
    $add->invokeArgs(null, [&$state]);
    $make = new \ReflectionMethod('\SimpleSAML\Module\saml\IdP\SAML2', 'generateNameIdValue');
    $make->setAccessible(true);
    $configuration = function (array $metadata) {
        return \SimpleSAML\Configuration::loadFromArray($metadata, '[ARRAY]');
    };
    return [$make->invokeArgs(null, [$configuration($idp), $configuration($sp), &$state])];
}

function matched(array $case): array
{
    return array_map(function ($text) use ($case) {
        $result = @preg_match($case['match'], $text);
        return $result === false ? null : $result === 1;
    }, $case['texts']);
}

function replaced(array $case): array
{
    return array_map(function ($text) use ($case) {
        $replaced = @preg_replace($case['replace'], $case['with'], $text);
        if ($replaced === null) {
            return null;
        }
        $found = preg_match($case['replace'], $text, $matches) === 1 ? bin2hex($matches[0]) : null;
        return [bin2hex($replaced), $found];
    }, $case['texts']);
}

// With an empty branch at its end every pattern matches nothing at all, and each group is told. The line feed ends a
// comment of the flag x.
function groups(array $case): int
{
    $pattern = $case['groups'];
    $close = strlen(rtrim($pattern, 'A..Za..z')) - 1;
    $whole = substr($pattern, 0, $close) . "\n|" . substr($pattern, $close);
    preg_match($whole, '', $matches, PREG_UNMATCHED_AS_NULL);
    return count(array_filter(array_keys($matches), 'is_int')) - 1;
}

while (($line = fgets(STDIN)) !== false) {
    $case = json_decode($line, true, 64, JSON_THROW_ON_ERROR);
    if (isset($case['persistent'])) {
        $answer = persistent($case);
    } elseif (isset($case['match'])) {
        $answer = matched($case);
    } elseif (isset($case['groups'])) {
        $answer = groups($case);
    } else {
        $answer = isset($case['replace']) ? replaced($case) : filtered($case);
    }
    echo json_encode($answer, JSON_THROW_ON_ERROR), "\n";
}
